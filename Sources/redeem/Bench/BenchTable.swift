internal import Foundation
internal import LoadGenerator

/// A run's result for a terminal. No I/O.
struct BenchTable {
    let report: BenchReport

    var text: String {
        let result = report.result
        let configuration = report.configuration
        var rows: [(String, String)] = [
            ("run", "\(configuration.scenario.rawValue), \(configuration.paceText), seed \(configuration.seed)"),
            ("target", configuration.targetText),
            ("rate", "\(Measure.rate(result.rate)) answers a second\(rateTarget) for \(Measure.seconds(result.seconds))"),
        ]
        if let latency = result.latency { rows.append(("latency", BenchTable.text(of: latency))) }
        if result.kinds.count > 1 {
            for kind in result.kinds {
                rows.append(("  \(kind.name)", kind.latency.map(BenchTable.text) ?? "no request"))
            }
        }
        for (index, count) in result.outcomes.enumerated() {
            let status = count.outcome.status.map { count.outcome.name == "\($0)" ? "" : " (\($0))" } ?? ""
            let share = Measure.percent(Double(count.count) / Double(max(1, result.requests)))
            let text = "\(count.outcome.name)\(status) \(Measure.count(count.count)), \(share)"
            rows.append((index == 0 ? "outcomes" : "", text + (count.isExpected ? "" : "  unexpected")))
        }
        if result.notSent > 0 { rows.append(("not sent", Measure.count(result.notSent))) }
        if result.connectionsLost + result.connectFailures > 0 {
            rows.append(("connections", "\(result.connectionsLost) lost, \(result.connectFailures) not opened"))
        }
        rows += processorRows
        if let baseline = report.baseline { rows.append(("baseline", BenchTable.text(of: baseline))) }
        let checks = report.checks.map { check in
            "\(check.holds.map { $0 ? "holds" : "BROKEN" } ?? "-")".padded(to: 8) + "\(check.promise)  (\(check.detail))"
        }
        let failed = report.failed.sorted { $0.key < $1.key }.map { "FAILED  \($0.key): \($0.value)" }
        return
            (rows.map { $0.0.padded(to: 13) + $0.1 } + report.notes.map { "note".padded(to: 13) + $0 } + [""] + checks + failed)
            .joined(separator: "\n")
    }

    private var rateTarget: String { report.result.targetRate.map { " of \(Measure.rate($0))" } ?? "" }

    private var processorRows: [(String, String)] {
        let generator = report.result.generator
        var text = "\(Measure.percent(generator.busy)) busy"
        if let cpu = generator.cpuPerRequest { text = "\(Measure.microseconds(cpu)) of a processor a request, " + text }
        if let late = generator.lateness { text += ", late by p99 \(Measure.milliseconds(late.p99))" }
        guard !report.processors.isEmpty else { return [("generator", text)] }
        let others = report.processors.map { "\($0.process) \(Measure.microseconds($0.microseconds))" }
        return [("generator", text), ("processors", others.joined(separator: ", ") + " a request")]
    }

    private static func text(of baseline: BenchReport.Comparison) -> String {
        let ratios = BenchBaseline.metrics.compactMap { metric in
            baseline.ratios[metric.rawValue].map { "\(metric.rawValue) \(Measure.ratio($0))" }
        }
        return "\(ratios.joined(separator: "  "))  of redeem \(baseline.version), \(baseline.startedAt.formatted(.iso8601))"
    }

    private static func text(of latency: LatencySummary) -> String {
        [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p999), ("p99.99", latency.p9999),
            ("max", latency.max),
        ]
        .map { "\($0.0) \(Measure.milliseconds($0.1))" }.joined(separator: "  ")
    }
}

extension BenchReport.Configuration {
    /// How requests were started.
    var paceText: String {
        let connections = "\(connections) connection\(connections == 1 ? "" : "s")"
        return rate.map { "\(pace) at \(Measure.rate($0)) a second, \(connections)" } ?? "\(pace) loop, \(connections)"
    }

    var targetText: String {
        guard let users, let stock else { return target }
        let mode = durability.map { ", durability \($0)" } ?? ""
        return "\(target), \(Measure.count(users)) users, stock \(Measure.count(stock))\(mode)"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
