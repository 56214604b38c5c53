import Testing

@testable import LoadGenerator

@Suite struct ArrivalsTests {
    private func all(_ arrivals: Arrivals) -> [UInt64] {
        var arrivals = arrivals
        var moments: [UInt64] = []
        while let moment = arrivals.next() { moments.append(moment) }
        return moments
    }

    private func arrivals(_ rate: Double, _ spacing: Arrivals.Spacing, seconds: UInt64, thread: Int = 0, of threads: Int = 1)
        -> [UInt64]
    {
        all(
            Arrivals(
                rate: rate,
                spacing: spacing,
                start: 5_000_000_000,
                end: 5_000_000_000 + seconds * 1_000_000_000,
                thread: thread,
                of: threads
            )
        )
    }

    @Test func aConstantRateHasTheSameTimeBetweenAnyTwo() {
        #expect(arrivals(4, .constant, seconds: 1) == [5_000_000_000, 5_250_000_000, 5_500_000_000, 5_750_000_000])
        #expect(arrivals(0.5, .constant, seconds: 5).count == 3)
    }

    /// A sum of rounded periods would be off by thousands.
    @Test func aRateThatDividesNothingIsKeptOverAMinute() {
        let moments = arrivals(29_999.7, .constant, seconds: 60)
        #expect(moments.count == 1_799_982)
        #expect(moments.last.map { 65_000_000_000 - $0 } ?? .max < 40_000)
    }

    @Test func threadsTakeTurns() {
        let together = (0..<3).map { arrivals(1000, .constant, seconds: 2, thread: $0, of: 3) }
        #expect(together.flatMap { $0 }.sorted() == arrivals(1000, .constant, seconds: 2))
        #expect(together.map(\.count) == [667, 667, 666])
    }

    @Test func aPoissonProcessKeepsItsRateAndIsTheSameForASeed() {
        let moments = (0..<2).map { arrivals(10_000, .poisson(seed: 7), seconds: 20, thread: $0, of: 2) }
        let count = Double(moments[0].count + moments[1].count)
        // The deviation of 200,000 events is 447.
        #expect(abs(count - 200_000) < 2_000)
        #expect(moments[0] == arrivals(10_000, .poisson(seed: 7), seconds: 20, thread: 0, of: 2))
        #expect(moments[0] != moments[1])
        #expect(moments[0] != arrivals(10_000, .poisson(seed: 8), seconds: 20, thread: 0, of: 2))
        // Of an exponential distribution 1 - 1/e is below its mean.
        let gaps = zip(moments[0], moments[0].dropFirst()).map { $1 - $0 }
        #expect(abs(Double(gaps.count(where: { $0 < 200_000 })) / Double(gaps.count) - 0.632) < 0.01)
    }
}
