internal import ArgumentParser
internal import Sync

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Check every invariant on the live system, reading only. Exit code 1 on drift."
    )

    @Flag(help: "Print the report as JSON.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await Stores.with(connection) { stores in
            let report = try await stores.withHotPath { hotPath in
                var progress: ProgressBar?
                let report = try await Reconciler(hotPath: hotPath, postgres: stores.postgres).run { done, total in
                    if progress == nil { progress = ProgressBar("comparing users", total: total) }
                    progress?.update(done)
                }
                progress?.finish()
                return report
            }
            if json { try Output.json(report) } else { print(text(report)) }
            guard report.holds else { throw ExitCode.failure }
        }
    }

    private func text(_ report: ReconcileReport) -> String {
        let lines = report.checks.flatMap { check in
            [
                "\(check.holds ? "holds" : "DRIFT")  \(check.invariant). \(check.text)  (\(check.checked) checked\(check.holds ? "" : ", \(check.violations) wrong"))"
            ]
                + check.examples.map { "         \($0)" }
        }
        return lines.joined(separator: "\n")
    }
}
