import Testing

@testable import LoadGenerator

@Suite struct RecordingTests {
    @Test func outcomesAreCountedByNameAndStatus() {
        var table = OutcomeTable(limit: 8)
        func number(_ status: Int, _ code: String? = nil) -> Int {
            guard let code else { return table.number(status: status, code: nil) }
            return Array(code.utf8).withUnsafeBytes { table.number(status: status, code: $0) }
        }
        let created = number(201)
        let soldOut = number(409, "sold_out")
        #expect(number(201) == created)
        #expect(number(409, "sold_out") == soldOut)
        #expect(number(409, "already_redeemed") != soldOut)
        #expect(table.outcomes[soldOut] == Outcome(name: "sold_out", status: 409))
        #expect(table.outcomes[created] == Outcome(name: "201", status: 201))
        _ = number(500)
        // There is room for eight: three failures, the others, and the four above.
        #expect(table.outcomes[number(501)] == OutcomeTable.others)
        #expect(number(502, "x") == number(503))
        #expect(number(201) == created)
        for failure in TransportFailure.allCases {
            #expect(table.outcomes[OutcomeTable.number(of: failure)] == Outcome(failure))
        }
    }

    @Test func aSumOfThreadsIsAsExactAsOne() {
        var one = Latencies()
        var threads = [Latencies(), Latencies(), Latencies()]
        var random = SplitMix64(seed: 3)
        for index in 0..<30_000 {
            let latency = random.next() >> 30
            one.record(latency)
            threads[index % 3].record(latency)
        }
        let sum = threads.reduce(into: Latencies()) { $0.add($1) }
        for percentile in [0.1, 50, 99, 99.9, 100] { #expect(sum.percentile(percentile) == one.percentile(percentile)) }
        #expect(sum.count == 30_000)
        #expect(sum.max == one.max)
    }

    @Test func latenciesAreExactToThreeDigitsAndNothingIsLost() throws {
        var latencies = Latencies()
        #expect(latencies.percentile(50) == nil)
        latencies.record(1_234_567)
        #expect(abs(try #require(latencies.percentile(50)) - 1.2345) < 0.002)
        latencies.record(.max)
        #expect(try #require(latencies.max) == 3_600_000)
        #expect(latencies.count == 2)
    }

    @Test func theCurveIsDenserTowardsTheEndAndNamesNoPercentileThatIsNotThere() throws {
        var latencies = Latencies()
        for index in 1...1000 { latencies.record(UInt64(index) * 1_000_000) }
        let summary = try #require(LatencySummary(latencies))
        #expect(abs(summary.p50 - 500) < 1)
        #expect(abs(summary.p99 - 990) < 1)
        #expect(summary.max == 1000)
        let percentiles = summary.curve.map(\.percentile)
        #expect(percentiles.first == 0)
        #expect(percentiles == percentiles.sorted())
        #expect(percentiles.dropLast().last ?? 100 <= 99.9)
        #expect(percentiles.last == 100)
    }

    @Test func warmUpIsCountedButNotMeasured() {
        let clock = RunClock(start: 1_000_000_000, warmup: .seconds(1), duration: .seconds(1))
        var recorder = Recorder(kinds: 1, clock: clock)
        // Intended in the warm-up, answered after it; then one of each kind; then one answered after the end.
        recorder.answer(kind: 0, intended: 1_999_000_000, at: 2_001_000_000, status: 200, code: nil)
        recorder.answer(kind: 0, intended: 2_100_000_000, at: 2_101_000_000, status: 200, code: nil)
        recorder.failure(.timeout, kind: 0, intended: 2_200_000_000, at: 2_700_000_000)
        recorder.answer(kind: 0, intended: 2_999_000_000, at: 3_009_000_000, status: 200, code: nil)
        var outcomes = recorder.outcomes
        let ok = outcomes.number(status: 200, code: nil)
        #expect(recorder.all.count(kind: 0, outcome: ok) == 3)
        #expect(recorder.measured.count(kind: 0, outcome: ok) == 2)
        #expect(recorder.measured.count(kind: 0, outcome: OutcomeTable.number(of: .timeout)) == 1)
        #expect(recorder.answered == 3)
        #expect(recorder.answeredInTime == 2)
        #expect(recorder.latencies[0].count == 3)
        #expect(recorder.series.count == 4)
    }
}
