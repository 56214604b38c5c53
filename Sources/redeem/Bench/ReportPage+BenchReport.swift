internal import Foundation
internal import LoadGenerator

extension ReportPage {
    init(_ report: BenchReport) {
        let configuration = report.configuration
        let machine = report.machine
        let conditions = report.failed.sorted { $0.key < $1.key }
            .map { Check(promise: "not \($0.key)", holds: false, detail: $0.value) }
        let mixed: [Fact] = configuration.scenario == .mixed ? [("mix", configuration.mix)] : []
        self.init(
            title: "redeem bench \(configuration.scenario.rawValue)",
            subtitle: "\(configuration.paceText), measured for \(Measure.seconds(report.result.seconds))"
                + " after \(Measure.seconds(configuration.warmupSeconds)) of warm-up; \(configuration.targetText)",
            result: report.result,
            unknown: report.unknown,
            checks: conditions + report.checks.map { Check(promise: $0.promise, holds: $0.holds, detail: $0.detail) },
            notes: report.notes,
            processors: report.processors.map { ($0.process, $0.microseconds) },
            facts: mixed + [
                ("threads, connections", "\(configuration.threads), \(configuration.connections)"),
                ("seed", "\(configuration.seed)"),
                ("Idempotency-Key", configuration.idempotencyKeys ? "with each redemption" : "none"),
                ("time limit of a request", Measure.seconds(configuration.timeoutSeconds)),
                ("not sent", "\(report.result.notSent)"),
                (
                    "connections lost, not opened",
                    "\(report.result.connectionsLost), \(report.result.connectFailures)"
                ),
                ("machine", "\(machine.processor), \(machine.cores) cores, \(machine.memoryGiB) GiB, \(machine.system)"),
            ],
            footer: "redeem \(report.version), \(report.startedAt.formatted(.iso8601))"
        )
    }
}
