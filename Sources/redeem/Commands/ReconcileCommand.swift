internal import ArgumentParser
internal import Foundation
internal import HotPath
internal import Sync
internal import Terminal

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Check every invariant on the live system, and repair what is safe to repair. Exit code 1 on drift.",
        discussion: """
            Without --repair it only reads, and names what can be done about each violation. With --repair it puts redemptions \
            that only Redis has into quarantine, where they wait for `redeem quarantine retry` or `drop`; sets a coupon's count of \
            redemptions to that of its rows; and has a shard rebuilt whose Redis differs from Postgres.

            The owner of a shard rebuilds it: it lands what the outbox holds, then fills Redis again. The shard is closed meanwhile, \
            and its users are loaded again. It is not rebuilt while Redis alone holds redemptions that somebody must decide about.

            No redemption is made up, and none is deleted. Exit code 1 if a violation is left; 69 if a store is out of reach; 75 if \
            the control log has the order to rebuild and no `redeem sync` has done so in time: the next one does it.
            """
    )

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Flag(help: "Repair what is safe to repair, after a question.")
    var repair = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await Stores.with(connection) { stores in
            if yes, !repair { throw UsageError("--yes without --repair", remedy: "without --repair nothing is asked") }
            let confirmation = repair ? try Confirmation(yes: yes, "--repair") : nil
            let report = try await stores.withHotPath { hotPath in
                let report = try await ReconcileCommand.compare(stores, hotPath)
                guard let confirmation else { return report }
                return try await mend(report, confirmation, stores, hotPath)
            }
            if json { try Output.json(report) } else if !repair { Output.text(ReconcileCommand.text(report)) }
            guard report.holds else { throw ExitCode.failure }
        }
    }

    /// - Returns: the comparison afterwards.
    private func mend(_ first: ReconcileReport, _ confirmation: Confirmation, _ stores: Stores, _ hotPath: HotPath)
        async throws -> ReconcileReport
    {
        var report = first
        var agreed: RepairPlan?
        while true {
            let plan = RepairPlan(report)
            if agreed == nil || plan != agreed { say(report, plan) }
            guard !plan.isEmpty else { return report }
            // The stores may have changed before the answer came, so the plan is carried out only if it is still the one that was
            // agreed to.
            if confirmation.needsNoAnswer || plan == agreed {
                try await perform(plan, stores, hotPath)
                report = try await ReconcileCommand.compare(stores, hotPath)
                note("afterwards:\n" + ReconcileCommand.text(report))
                return report
            }
            try confirmation.ask("Do this?")
            agreed = plan
            report = try await ReconcileCommand.compare(stores, hotPath)
        }
    }

    private func say(_ report: ReconcileReport, _ plan: RepairPlan) {
        note(ReconcileCommand.text(report))
        if !plan.lines.isEmpty { note("to do:\n" + plan.lines.map { "  \($0)" }.joined(separator: "\n")) }
        if plan.isEmpty { note(report.holds ? "there is nothing to repair" : "nothing of this can be repaired by --repair now") }
    }

    private func perform(_ plan: RepairPlan, _ stores: Stores, _ hotPath: HotPath) async throws {
        let repairer = Repairer(hotPath: hotPath, postgres: stores.postgres, actor: Actor.commandLine)
        do {
            try await repairer.perform(plan) { note("done: \($0)") }
        } catch let error as RepairError {
            Output.note("error: \(error)\n  start `redeem sync`, and run `redeem reconcile` again")
            throw ExitCode(EX_TEMPFAIL)
        }
    }

    /// With --json, standard output has the report alone.
    private func note(_ text: String) {
        if json { Output.note(text) } else { Output.text(text) }
    }

    private static func compare(_ stores: Stores, _ hotPath: HotPath) async throws -> ReconcileReport {
        var progress: ProgressBar?
        let report = try await Reconciler(hotPath: hotPath, postgres: stores.postgres).run { done, total in
            if progress == nil { progress = ProgressBar("comparing users", total: total) }
            progress?.update(done)
        }
        progress?.finish()
        return report
    }

    private static func text(_ report: ReconcileReport) -> String {
        var lines: [String] = []
        for check in report.checks {
            let state = check.holds ? "holds" : "DRIFT"
            let wrong = check.holds ? "" : ", \(check.violations) wrong"
            lines.append("\(state)  \(check.invariant). \(check.text)  (\(check.checked) checked\(wrong))")
            var advised: Set<String> = []
            for violation in check.kept {
                lines.append("         \(violation.text)")
                if advised.insert(violation.remedy.advice).inserted { lines.append("           → \(violation.remedy.advice)") }
            }
        }
        return lines.joined(separator: "\n")
    }
}
