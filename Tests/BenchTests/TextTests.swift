import ArgumentParser
import Foundation
import LoadGenerator
import Testing

@testable import redeem

@Suite struct TextTests {
    @Test func metricsAreReadFromPrometheusText() {
        let text = """
            # HELP redeem_outbox_length Entries.
            # TYPE redeem_outbox_length gauge
            redeem_outbox_length{shard="s0"} 12
            redeem_outbox_length{shard="s1"} 30 1700000000000
            redeem_outbox_length_total 5
            redeem_sync_lag_seconds{shard="}"} 0.25
            redeem_broken{shard="s0" 7
            """
        #expect(PrometheusText.value(of: "redeem_outbox_length", in: text) == 42)
        #expect(PrometheusText.value(of: "redeem_sync_lag_seconds", in: text) == 0.25)
        #expect(PrometheusText.value(of: "redeem_outbox_length_total", in: text) == 5)
        #expect(PrometheusText.value(of: "redeem_broken", in: text) == nil)
        #expect(PrometheusText.value(of: "redeem", in: text) == nil)
    }

    @Test func figuresAreWrittenWithThreeDigits() {
        #expect(Measure.milliseconds(0.4567) == "0.46 ms")
        #expect(Measure.milliseconds(12.34) == "12.3 ms")
        #expect(Measure.milliseconds(999.4) == "999 ms")
        #expect(Measure.milliseconds(1234) == "1.23 s")
        #expect(Measure.milliseconds(nil) == "-")
        #expect(Measure.count(1_234_567) == "1,234,567")
        #expect(Measure.count(999) == "999")
        #expect(Measure.percent(0.012345) == "1.23 %")
    }

    private func interval(_ end: Double, warmup: Bool, outcomes: [String: Int]) throws -> LoadInterval {
        let json = """
            {"end":\(end),"length":1,"isWarmup":\(warmup),"sent":100,"answered":100,"rate":19876.5,"p50":0.42,"p99":3.1,"max":12,
             "outcomes":\(String(decoding: try JSONEncoder().encode(outcomes), as: UTF8.self)),"waiting":3,"inFlight":5,
             "generatorBusy":0.2,"gauges":{"left":4321,"outbox":7,"lag":0.0125}}
            """
        return try JSONDecoder().decode(LoadInterval.self, from: Data(json.utf8))
    }

    @Test func aRunShowsWhereItIs() throws {
        let options = try BenchOptions.parse(["--local", "--duration", "10s", "--warmup", "2s"])
        var live = LiveText(settings: try BenchSettings(options))
        #expect(live.block(width: 80).isEmpty)
        live.add(try interval(1, warmup: true, outcomes: ["201": 90, "sold_out": 10]))
        #expect(live.line.hasPrefix("1 s (warm-up)  19,877 of 20,000/s  p50 0.42 ms  p99 3.10 ms  3 wait  left 4,321  outbox 7"))
        live.add(try interval(6, warmup: false, outcomes: ["201": 10, "sold_out": 1_990]))
        let block = live.block(width: 80)
        #expect(block[0] == "measuring \(String(repeating: "█", count: 15))\(String(repeating: "░", count: 15)) 6 of 12 s")
        #expect(block[1] == "rate      19,877 of 20,000 a second; 3 wait, 5 under way")
        #expect(block[3] == "outcomes  sold_out 2,000, 201 100")
        #expect(block[4] == "target    left 4,321, outbox 7, lag 12.5 ms")
        #expect(live.block(width: 20).allSatisfy { $0.count <= 20 })
    }
}
