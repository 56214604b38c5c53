/// One entry of the series.
public struct LoadInterval: Sendable, Codable, Hashable {
    /// Seconds from the begin of the run to the end of the interval.
    public let end: Double
    /// Seconds.
    public let length: Double
    public let isWarmup: Bool
    public let sent: Int
    public let answered: Int
    /// Answers a second.
    public let rate: Double
    /// Milliseconds, of what ended in the interval; `nil`: nothing did.
    public let p50: Double?
    public let p99: Double?
    public let max: Double?
    /// By name.
    public let outcomes: [String: Int]
    /// Intended starts that wait for a connection, at the end of the interval.
    public let waiting: Int
    public let inFlight: Int
    /// Of the time of the generator's threads: 1 is all of it.
    public let generatorBusy: Double
    /// What the target said of itself at the end of the interval.
    public let gauges: [String: Double]
}

public struct OutcomeCount: Sendable, Codable, Hashable {
    public let outcome: Outcome
    public var count: Int
    public let isExpected: Bool
}

/// What was measured of one kind of request, after the warm-up.
public struct KindResult: Sendable, Codable, Hashable {
    public let name: String
    /// Most frequent first.
    public let outcomes: [OutcomeCount]
    /// Of the whole run, the warm-up included.
    public let wholeRun: [OutcomeCount]
    /// `nil`: there was no request.
    public let latency: LatencySummary?
}

/// What a run has measured. Where nothing else is said, without the warm-up.
public struct LoadResult: Sendable, Codable, Hashable {
    /// Requests a second that were asked for; `nil`: as many as came.
    public let targetRate: Double?
    /// Answers a second.
    public let rate: Double
    /// Seconds that the rate is of.
    public let seconds: Double
    /// Seconds of load before them.
    public let warmup: Double
    public let latency: LatencySummary?
    public let kinds: [KindResult]
    /// Intended starts for which there was no room to wait, or no connection until the end.
    public let notSent: Int
    /// Connections that ended before they should.
    public let connectionsLost: Int
    public let connectFailures: Int
    public let generator: Generator
    /// What the target said of itself before the run.
    public let gaugesBefore: [String: Double]
    /// Of the whole run.
    public let series: [LoadInterval]
    /// Seconds of Unix time at which the run began, the warm-up included.
    public var beganAt: Double?

    /// What the generator tells of itself.
    public struct Generator: Sendable, Codable, Hashable {
        /// Microseconds of a processor for each request.
        public let cpuPerRequest: Double?
        /// Of the time of its threads: 1 is all of it.
        public let busy: Double
        /// How late its wake-ups were; what its own machine adds to latencies. `nil` with a closed pace, which has none.
        public let lateness: LatencySummary?
    }

    /// Of all kinds, most frequent first.
    public var outcomes: [OutcomeCount] { OutcomeCount.sum(kinds.map(\.outcomes)) }

    public var requests: Int { kinds.reduce(0) { $0 + $1.outcomes.reduce(0) { $0 + $1.count } } }

    /// Requests that ended otherwise than their kind expects, and those that were not sent.
    public var errors: Int {
        notSent + outcomes.reduce(0) { $0 + ($1.isExpected ? 0 : $1.count) }
    }
}

extension OutcomeCount {
    /// Counts of the same outcome become one.
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
