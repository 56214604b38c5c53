internal import LoadGenerator

/// Chooses faults, their order and their times, the same for the same seed. Each fault comes once before one comes again. No I/O,
/// and no clock.
struct FaultSchedule: Sendable {
    struct Step: Hashable, Sendable {
        /// One fault, or two at once.
        let faults: [Fault]
        /// How long the load goes on without a fault before this step.
        let calm: Duration
        /// How long a fault lasts.
        let hold: Duration
        /// The one of two servers that the fault is about.
        let server: Int
        /// Decides all else that is left to chance.
        let chance: UInt64
    }

    /// How long steps last, in milliseconds.
    struct Times: Hashable, Sendable {
        var calm: ClosedRange<Int>
        var hold: ClosedRange<Int>
        /// How many of a hundred steps have a second fault.
        var doubles: Int

        init(calm: ClosedRange<Int>, hold: ClosedRange<Int>, doubles: Int) {
            self.calm = calm
            self.hold = hold
            self.doubles = doubles
        }

        /// Times of a long run.
        static let long = Times(calm: 500...4000, hold: 500...3000, doubles: 20)
        /// Times of a run that makes each fault once.
        static let short = Times(calm: 100...300, hold: 300...600, doubles: 0)
    }

    private let faults: [Fault]
    private let times: Times
    private var random: SplitMix64
    private var deck: [Fault] = []

    init(_ faults: [Fault], times: Times, seed: UInt64) {
        precondition(!faults.isEmpty)
        self.faults = faults
        self.times = times
        random = SplitMix64(seed: seed)
    }

    mutating func next() -> Step {
        if deck.isEmpty { deck = faults.shuffled(using: &random) }
        let first = deck.removeLast()
        var both = [first]
        let others = faults.filter { $0.part != first.part }
        if Int.random(in: 0..<100, using: &random) < times.doubles, let second = others.randomElement(using: &random) {
            both.append(second)
        }
        return Step(
            faults: both,
            calm: .milliseconds(Int.random(in: times.calm, using: &random)),
            hold: .milliseconds(Int.random(in: times.hold, using: &random)),
            server: Int.random(in: 0..<2, using: &random),
            chance: random.next()
        )
    }
}
