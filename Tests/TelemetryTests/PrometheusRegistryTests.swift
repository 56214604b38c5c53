import CoreMetrics
import Testing

@testable import Telemetry

@Suite struct PrometheusRegistryTests {
    @Test func everyKindAsText() {
        let registry = PrometheusRegistry()
        Counter(label: "b_total", dimensions: [("outcome", "sold_out")], factory: registry).increment(by: 2)
        Counter(label: "b_total", dimensions: [("outcome", "accepted")], factory: registry).increment()
        Counter(label: "b_total", dimensions: [("outcome", "accepted")], factory: registry).increment()
        Gauge(label: "redeem_sync_lag_seconds", dimensions: [("shard", "s0")], factory: registry).record(0.25)
        Meter(label: "a.meter-1", factory: registry).set(3)
        #expect(
            registry.render() == """
                # TYPE a_meter_1 gauge
                a_meter_1 3
                # TYPE b_total counter
                b_total{outcome="accepted"} 2
                b_total{outcome="sold_out"} 2
                # HELP redeem_sync_lag_seconds Age of the oldest redemption when it landed in Postgres.
                # TYPE redeem_sync_lag_seconds gauge
                redeem_sync_lag_seconds{shard="s0"} 0.25

                """
        )
    }

    @Test func histogramsAreCumulative() {
        let registry = PrometheusRegistry()
        let timer = Timer(label: "t_seconds", dimensions: [("route", "a \"b\" \\ \n")], factory: registry)
        timer.recordMicroseconds(50)
        timer.recordMilliseconds(3)
        timer.recordSeconds(9)
        let lines = registry.render().split(separator: "\n")
        let labels = #"route="a \"b\" \\ \n""#
        #expect(lines.contains("# TYPE t_seconds histogram"))
        #expect(lines.contains(#"t_seconds_bucket{\#(labels),le="0.0001"} 1"#))
        #expect(lines.contains(#"t_seconds_bucket{\#(labels),le="0.002"} 1"#))
        #expect(lines.contains(#"t_seconds_bucket{\#(labels),le="0.004"} 2"#))
        #expect(lines.contains(#"t_seconds_bucket{\#(labels),le="5"} 2"#))
        #expect(lines.contains(#"t_seconds_bucket{\#(labels),le="+Inf"} 3"#))
        #expect(lines.contains(#"t_seconds_count{\#(labels)} 3"#))
        #expect(lines.contains(#"t_seconds_sum{\#(labels)} 9.00305"#))
    }

    @Test func aNameOfAnotherKindRecordsForNobody() {
        let registry = PrometheusRegistry()
        Counter(label: "x", factory: registry).increment()
        Gauge(label: "x", factory: registry).record(5)
        #expect(registry.render() == "# TYPE x counter\nx 1\n")
    }

    @Test func countsFromManyThreadsAddUp() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "n", factory: registry)
                    let gauge = registry.gauge("g")
                    for _ in 0..<10_000 {
                        counter.increment()
                        gauge.increment(by: 1)
                    }
                }
            }
        }
        #expect(registry.render().contains("n 80000\n"))
        #expect(registry.render().contains("g 80000\n"))
    }

    @Test func theProcessIsMeasured() {
        let registry = PrometheusRegistry()
        ProcessMetrics(registry: registry).sample()
        #expect(registry.gauge("process_resident_memory_bytes").current > 1_000_000)
        #expect(registry.gauge("process_open_fds").current >= 3)
        #expect(registry.fraction("process_cpu_seconds_total").current >= 0)
    }

    /// Anyone who looks once a second misses nothing that came and went in between.
    @Test func aGaugeRemembersItsGreatestValue() {
        let gauge = PrometheusRegistry().gauge("x")
        for _ in 1...3 { gauge.increment(by: 1) }
        gauge.decrement(by: 3)
        #expect(gauge.current == 0)
        #expect(gauge.takeGreatest() == 3)
        #expect(gauge.takeGreatest() == 0)
        gauge.increment(by: 2)
        gauge.decrement(by: 1)
        gauge.increment(by: 1)
        #expect(gauge.takeGreatest() == 2)
    }
}
