/// The measurements of one thread.
struct Recorder {
    /// Counts of requests, by kind and outcome.
    struct Counts: Hashable {
        private var cells: [Int]

        init(kinds: Int) { cells = Array(repeating: 0, count: kinds * LoadLimits.outcomes) }

        mutating func add(kind: Int, outcome: Int) { cells[kind * LoadLimits.outcomes + outcome] += 1 }

        func count(kind: Int, outcome: Int) -> Int { cells[kind * LoadLimits.outcomes + outcome] }
    }

    private(set) var outcomes = OutcomeTable()
    /// Counts of the whole run.
    private(set) var all: Counts
    /// Counts of the requests that were intended after the warm-up.
    private(set) var measured: Counts
    /// Latencies of the same requests, by kind.
    private(set) var latencies: [Latencies]
    /// Latencies of all requests that ended since the last snapshot.
    private(set) var series = Latencies()
    /// How late the generator's own wake-ups were.
    private(set) var lateness = Latencies()
    private(set) var sent = 0
    private(set) var answered = 0
    /// Answers between the end of the warm-up and the end of the run.
    private(set) var answeredInTime = 0
    private(set) var lastAnswer: UInt64 = 0

    private let clock: RunClock

    init(kinds: Int, clock: RunClock) {
        self.clock = clock
        all = Counts(kinds: kinds)
        measured = Counts(kinds: kinds)
        latencies = Array(repeating: Latencies(), count: kinds)
    }

    mutating func requestSent() { sent += 1 }

    mutating func wokeUp(at now: UInt64, intended: UInt64) {
        if intended >= clock.measured, intended <= now { lateness.record(now - intended) }
    }

    /// - Returns: the outcome's number.
    mutating func answer(kind: Int, intended: UInt64, at now: UInt64, status: Int, code: UnsafeRawBufferPointer?) {
        answered += 1
        lastAnswer = now
        if now >= clock.measured, now < clock.end { answeredInTime += 1 }
        ended(kind: kind, intended: intended, at: now, outcome: outcomes.number(status: status, code: code))
    }

    mutating func failure(_ failure: TransportFailure, kind: Int, intended: UInt64, at now: UInt64) {
        ended(kind: kind, intended: intended, at: now, outcome: OutcomeTable.number(of: failure))
    }

    /// A failed request has a latency too: its user waited that long for nothing.
    private mutating func ended(kind: Int, intended: UInt64, at now: UInt64, outcome: Int) {
        let latency = now - min(intended, now)
        all.add(kind: kind, outcome: outcome)
        series.record(latency)
        guard intended >= clock.measured else { return }
        measured.add(kind: kind, outcome: outcome)
        latencies[kind].record(latency)
    }

    /// Takes the latencies out, and puts an empty histogram in their place. The caller has made it, since that takes too long for
    /// an event loop.
    mutating func takeSeries(_ empty: inout Latencies) { swap(&series, &empty) }
}
