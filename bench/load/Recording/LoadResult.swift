/// One entry of the series.
public struct LoadInterval: Sendable, Codable, Hashable {
    /// Seconds from the beginning of the run to the end of the interval.
    public let end: Double
    /// In seconds.
    public let length: Double
    public let isWarmup: Bool
    public let sent: Int
    public let answered: Int
    /// Answers a second.
    public let rate: Double
    /// In milliseconds, for the requests that ended in the interval; `nil` if none did.
    public let p50: Double?
    public let p99: Double?
    public let max: Double?
    /// Counts by the outcome's name.
    public let outcomes: [String: Int]
    /// Intended starts that wait for a connection at the end of the interval.
    public let waiting: Int
    public let inFlight: Int
    /// The busy share of the generator's threads: 1 is all of their time.
    public let generatorBusy: Double
    /// The target's gauges at the end of the interval.
    public let gauges: [String: Double]
}

public struct OutcomeCount: Sendable, Codable, Hashable {
    public let outcome: Outcome
    public var count: Int
    public let isExpected: Bool
}

/// The measurements of one kind of request, without the warm-up.
public struct KindResult: Sendable, Codable, Hashable {
    public let name: String
    /// The most frequent first.
    public let outcomes: [OutcomeCount]
    /// Outcomes of the whole run, with the warm-up.
    public let wholeRun: [OutcomeCount]
    /// `nil` if there was no request.
    public let latency: LatencySummary?
}

/// The measurements of a run, without the warm-up unless another time is named.
public struct LoadResult: Sendable, Codable, Hashable {
    /// Requests a second that were asked for; `nil`: as many as possible.
    public let targetRate: Double?
    /// Answers a second.
    public let rate: Double
    /// The seconds that the rate was measured in.
    public let seconds: Double
    /// The seconds of load before them.
    public let warmup: Double
    public let latency: LatencySummary?
    public let kinds: [KindResult]
    /// Intended starts that found no room to wait, or no connection until the end.
    public let notSent: Int
    /// Connections that ended too early.
    public let connectionsLost: Int
    public let connectFailures: Int
    public let generator: Generator
    /// The target's gauges before the run.
    public let gaugesBefore: [String: Double]
    /// The series of the whole run.
    public let series: [LoadInterval]
    /// When the run began, with its warm-up, in seconds since 1970.
    public var beganAt: Double?

    /// The generator's measurements of itself.
    public struct Generator: Sendable, Codable, Hashable {
        /// Processor time for each request in microseconds.
        public let cpuPerRequest: Double?
        /// The busy share of its threads: 1 is all of their time.
        public let busy: Double
        /// How late its wake-ups were, which its own machine adds to latencies; `nil` with a closed pace, which has no wake-ups.
        public let lateness: LatencySummary?
    }

    /// Outcomes of all kinds, the most frequent first.
    public var outcomes: [OutcomeCount] { OutcomeCount.sum(kinds.map(\.outcomes)) }

    public var requests: Int { kinds.reduce(0) { $0 + $1.outcomes.reduce(0) { $0 + $1.count } } }

    /// Requests that ended otherwise than their kind expects, and those that were not sent.
    public var errors: Int {
        notSent + outcomes.reduce(0) { $0 + ($1.isExpected ? 0 : $1.count) }
    }
}

extension OutcomeCount {
    /// Adds up the counts of each outcome.
    static func sum(_ lists: [[OutcomeCount]]) -> [OutcomeCount] {
        struct Key: Hashable {
            let outcome: Outcome
            let isExpected: Bool
        }
        var counts: [Key: Int] = [:]
        for count in lists.joined() {
            counts[Key(outcome: count.outcome, isExpected: count.isExpected), default: 0] += count.count
        }
        return counts.map { OutcomeCount(outcome: $0.key.outcome, count: $0.value, isExpected: $0.key.isExpected) }
            .sorted { ($1.count, $0.outcome.name) < ($0.count, $1.outcome.name) }
    }
}
