import Testing

@testable import LoadGenerator

@Suite struct FailConditionTests {
    private func result(rate: Double = 950, errors: Int = 0, notSent: Int = 0, gauges: [String: Double] = [:]) -> LoadResult {
        var latencies = Latencies()
        for index in 1...1000 { latencies.record(UInt64(index) * 100_000) }
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

    private func fails(_ text: String, _ result: LoadResult, unknown: Int = 0) throws -> Bool {
        try FailCondition(text).violation(in: result, unknown: unknown) != nil
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
        #expect(try FailCondition("p99 > 20ms").violation(in: result, unknown: 0) == "p99 is 99.0 ms")
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
        #expect(try FailCondition("lag>1s").violation(in: result(), unknown: 0) == "lag was not measured")
        #expect(try fails("lag>1s", result(gauges: ["lag": 1.5])))
        #expect(try !fails("lag>2s", result(gauges: ["lag": 1.5])))
        #expect(try fails("outbox>100", result(gauges: ["outbox": 101])))
    }

    @Test(arguments: [
        ("p98>20ms", "'p98' in 'p98>20ms' is not a metric"), ("p99=20ms", "'p99=20ms' has none of >, >=, < and <="),
        ("p99>20", "'20' in 'p99>20' has no unit"), ("p99>20%", "has the unit '%'; p99 takes one of us, ms, s"),
        ("p99>ms", "'ms' in 'p99>ms' is not a number"), ("rate>5ms", "has the unit 'ms'; rate takes none or /s or %"),
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
