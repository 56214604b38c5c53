import Testing

@testable import LoadGenerator

@Suite struct FailConditionTests {
    private func result(
        rate: Double = 950,
        errors: Int = 0,
        notSent: Int = 0,
        gauges: [String: Double] = [:],
        slower: UInt64 = 1
    ) -> LoadResult {
        var latencies = Latencies()
        for index in 1...1000 { latencies.record(UInt64(index) * slower * 100_000) }
        let outcomes = [
            OutcomeCount(outcome: Outcome(name: "200", status: 200), count: 1000 - errors, isExpected: true),
            OutcomeCount(outcome: Outcome(name: "500", status: 500), count: errors, isExpected: false),
        ]
        return LoadResult(
            targetRate: 1000,
            rate: rate,
            seconds: 1,
            warmup: 0,
            latency: LatencySummary(latencies),
            kinds: [KindResult(name: "get", outcomes: outcomes, wholeRun: outcomes, latency: LatencySummary(latencies))],
            notSent: notSent,
            connectionsLost: 0,
            connectFailures: 0,
            generator: LoadResult.Generator(cpuPerRequest: 5, busy: 0.1, lateness: nil),
            gaugesBefore: [:],
            series: [.sample(end: 1, gauges: gauges)]
        )
    }

    private func violation(_ text: String, _ result: LoadResult, unknown: Int = 0, baseline: LoadResult? = nil) throws -> String?
    {
        let condition = try FailCondition(text, besideBaseline: baseline != nil)
        return condition.violation(
            in: FailCondition.Run(result, unknown: unknown),
            baseline: baseline.map { FailCondition.Run($0, unknown: 0) }
        )
    }

    private func fails(_ text: String, _ result: LoadResult, unknown: Int = 0, baseline: LoadResult? = nil) throws -> Bool {
        try violation(text, result, unknown: unknown, baseline: baseline) != nil
    }

    /// Latencies are 0.1 to 100 ms.
    @Test func latenciesAreComparedInAnyUnit() throws {
        let result = result()
        #expect(try fails("p99>20ms", result))
        #expect(try !fails("p99>100ms", result))
        #expect(try fails("p50 >= 49000us", result))
        #expect(try !fails("p50<0.04s", result))
        #expect(try fails("max<=100.1ms", result))
        #expect(try fails("p99.9>99ms", result))
        #expect(try !fails("p99.99>0.2s", result))
        #expect(try fails("mean>1ms", result))
        #expect(try violation("p99 > 20ms", result) == "p99 is 99.0 ms")
    }

    @Test func countsAndSharesAreCompared() throws {
        #expect(try fails("rate<960", result()))
        #expect(try fails("rate<960/s", result()))
        #expect(try fails("rate<99%", result()))
        #expect(try !fails("rate<90%", result()))
        #expect(try fails("errors>0", result(errors: 1)))
        #expect(try !fails("errors>0.1%", result(errors: 1)))
        #expect(try fails("errors>=0.5%", result(errors: 5)))
        #expect(try !fails("errors>0", result()))
        #expect(try fails("errors>9", result(notSent: 10)))
        #expect(try fails("not_sent>9", result(notSent: 10)))
        #expect(try fails("unknown>0", result(), unknown: 1))
    }

    @Test func whatWasNotMeasuredFails() throws {
        #expect(try violation("lag>1s", result()) == "lag was not measured")
        #expect(try fails("lag>1s", result(gauges: ["lag": 1.5])))
        #expect(try !fails("lag>2s", result(gauges: ["lag": 1.5])))
        #expect(try fails("outbox>100", result(gauges: ["outbox": 101])))
    }

    @Test func aRunIsComparedWithAnEarlierOne() throws {
        let (baseline, slow) = (result(), result(rate: 760, slower: 2))
        #expect(try fails("p99>1.5x", slow, baseline: baseline))
        #expect(try !fails("p99>2.1x", slow, baseline: baseline))
        #expect(try fails("rate<0.9x", slow, baseline: baseline))
        #expect(try !fails("rate<0.75x", slow, baseline: baseline))
        // Without a unit too, where the metric's amounts need one or are of the same kind.
        #expect(try fails("p99>1.5", slow, baseline: baseline))
        #expect(try fails("rate<0.9", slow, baseline: baseline))
        #expect(try !fails("rate<0.75", slow, baseline: baseline))
        // Amounts are what they are without one.
        #expect(try fails("p99>150ms", slow, baseline: baseline))
        #expect(try fails("rate<800/s", slow, baseline: baseline))
        #expect(try fails("rate<80%", slow, baseline: baseline))
        #expect(try !fails("errors>0", slow, baseline: baseline))
        #expect(try violation("p99>1.5x", slow, baseline: baseline) == "p99 is 198 ms, 2.00x of 99.0 ms in the baseline")
        #expect(try violation("rate<0.9x", slow, baseline: baseline) == "rate is 760, 0.800x of 950 in the baseline")
    }

    @Test func whatABaselineHasNothingOfIsComparedToo() throws {
        #expect(try violation("errors>1x", result(errors: 2), baseline: result()) == "errors is 2.00 of 0 in the baseline")
        #expect(try !fails("errors>1x", result(), baseline: result()))
        #expect(try violation("lag>2x", result(gauges: ["lag": 1]), baseline: result()) == "lag is not in the baseline")
        #expect(try violation("lag>2x", result(), baseline: result(gauges: ["lag": 1])) == "lag was not measured")
    }

    @Test func ratiosThatNobodyMeansAreNamed() throws {
        let without = #expect(throws: FailCondition.Invalid.self) { try FailCondition("rate<0.9x") }
        #expect(without?.problem == "'rate<0.9x' is of a baseline, and there is none")
        #expect(without?.remedy.contains("--baseline") == true)
        let forgotten = #expect(throws: FailCondition.Invalid.self) { try FailCondition("rate<19000", besideBaseline: true) }
        #expect(forgotten?.problem == "'19000' in 'rate<19000' is 19000 times the baseline's")
        #expect(forgotten?.remedy.contains("rate<19000/s") == true)
        #expect(throws: FailCondition.Invalid.self) { try FailCondition("p99>1.5") }
        #expect(throws: FailCondition.Invalid.self) { try FailCondition("p99>1.5%", besideBaseline: true) }
    }

    @Test(arguments: [
        ("p98>20ms", "'p98' in 'p98>20ms' is not a metric"), ("p99=20ms", "'p99=20ms' has none of >, >=, < and <="),
        ("p99>20", "'20' in 'p99>20' has no unit"), ("p99>20%", "has the unit '%'; p99 takes one of us, ms, s, x"),
        ("p99>ms", "'ms' in 'p99>ms' is not a number"), ("rate>5ms", "has the unit 'ms'; rate takes none or one of /s, %, x"),
        ("outbox>5%", "has the unit '%'"), ("p99>>5ms", "'>5ms' in 'p99>>5ms' is not a number"), ("", "'' has none of"),
        ("p99>1.2.3ms", "is not a number"),
    ]) func whatIsNoConditionIsNamed(_ text: String, _ problem: String) throws {
        let error = #expect(throws: FailCondition.Invalid.self) { try FailCondition(text) }
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
        #expect(error?.remedy.contains("p50, p90, p99, p99.9") == true)
    }
}

extension LoadInterval {
    static func sample(
        end: Double,
        length: Double = 1,
        isWarmup: Bool = false,
        answered: Int = 100,
        outcomes: [String: Int] = ["200": 100],
        gauges: [String: Double] = [:]
    ) -> LoadInterval {
        LoadInterval(
            end: end,
            length: length,
            isWarmup: isWarmup,
            sent: answered,
            answered: answered,
            rate: Double(answered) / length,
            p50: 1,
            p99: 10,
            max: 20,
            outcomes: outcomes,
            waiting: 0,
            inFlight: 1,
            generatorBusy: 0.1,
            gauges: gauges
        )
    }
}
