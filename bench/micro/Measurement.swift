/// The time of one operation: the median of several rounds, each of as many calls as take a tenth of a second.
struct Measurement {
    private static let rounds = 9
    private static let round: Duration = .milliseconds(100)

    let name: String
    let nanoseconds: Double
    /// The fastest and the slowest round.
    let range: ClosedRange<Double>

    /// - Parameter parts: how many operations one call does.
    init(_ name: String, of parts: Double = 1, _ operation: () -> some Any) {
        var calls = 1
        while Measurement.time(calls, operation) < Measurement.round { calls *= 2 }
        let times = (0..<Measurement.rounds).map { _ in Measurement.time(calls, operation) / .nanoseconds(calls) / parts }
            .sorted()
        self.name = name
        nanoseconds = times[times.count / 2]
        range = times[0]...times[times.count - 1]
    }

    @inline(never)
    private static func time(_ calls: Int, _ operation: () -> some Any) -> Duration {
        ContinuousClock().measure { for _ in 0..<calls { keep(operation()) } }
    }

    /// Keeps the compiler from leaving out a call whose result is not used.
    @inline(never) @_optimize(none)
    private static func keep(_ value: some Any) {}
}
