internal import Domain
internal import Foundation
internal import LoadGenerator

/// All findings of a run.
struct TortureReport: Sendable, Codable {
    struct Kind: Sendable, Codable {
        let name: String
        let count: Int
        /// The number of attempts for each outcome, by its name.
        let outcomes: [String: Int]
    }

    /// All faults of one kind.
    struct FaultSummary: Sendable, Codable {
        let fault: Fault
        let count: Int
        /// Seconds from the end of a fault until both servers decided redemptions.
        let median: Double
        let longest: Double
    }

    struct Broken: Sendable, Codable {
        let rule: Violation.Rule
        let text: String
        /// The part of the history that shows the violation.
        let window: String
    }

    let version: String
    let machine: Machine
    let seed: UInt64
    let mode: Durability
    let rate: Double
    let users: Int
    let seconds: Double
    let requests: Int
    let unknown: Int
    /// Redemptions that were answered as accepted, and that a fault was allowed to lose because it destroys what the mode relies
    /// on.
    let lostAsAllowed: Int
    let rows: Int
    let kinds: [Kind]
    let faults: [FaultSummary]
    let records: [FaultRecord]
    let violations: [Broken]

    var holds: Bool { violations.isEmpty }

    init(_ settings: TortureSettings, _ history: History, _ finalState: FinalState, _ violations: [Violation], seconds: Double) {
        version = Version.current
        machine = Machine.current()
        seed = settings.seed
        mode = settings.mode
        rate = settings.rate
        users = settings.users
        self.seconds = seconds
        requests = history.attempts.count
        unknown = history.attempts.count { $0.outcome.isUnknown }
        let stored = Set(finalState.rows.map(\.id))
        var lost: Set<RedemptionID> = []
        for case .redeemed(let id, _) in history.attempts.map(\.outcome) where !stored.contains(id) { lost.insert(id) }
        lostAsAllowed = lost.count - violations.count { $0.rule == .lost }
        rows = finalState.rows.count
        kinds = TortureReport.kinds(history.attempts)
        faults = Dictionary(grouping: history.faults, by: \.fault)
            .map { fault, records in
                let times = records.compactMap(\.secondsToOpen).sorted()
                return FaultSummary(
                    fault: fault,
                    count: records.count,
                    median: times.isEmpty ? 0 : times[(times.count - 1) / 2],
                    longest: times.last ?? 0
                )
            }
            .sorted { $0.fault.rawValue < $1.fault.rawValue }
        records = history.faults
        self.violations = violations.map { violation in
            Broken(rule: violation.rule, text: violation.text, window: Window(violation, in: history).description)
        }
    }

    /// The first request with a key is a redemption, and each further one is a retry.
    private static func kinds(_ attempts: [Attempt]) -> [Kind] {
        var asked: Set<Int> = []
        var counts: [String: [String: Int]] = [:]
        for attempt in attempts {
            var kind = attempt.kind
            if case .redeem(_, _, let key, _) = attempt.what, !asked.insert(key).inserted { kind = "retry" }
            counts[kind, default: [:]][attempt.outcome.name, default: 0] += 1
        }
        return counts.map { Kind(name: $0, count: $1.values.reduce(0, +), outcomes: $1) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    }

    /// How many violations are printed. The JSON has them all.
    private static let violationsPrinted = 20

    /// The report for a terminal.
    var text: String {
        var lines = [
            "\(Measure.count(requests)) requests in \(Measure.seconds(seconds)), mode \(mode.rawValue), seed \(seed): "
                + "\(Measure.count(rows)) redemptions stored, \(Measure.count(unknown)) requests without an answer, "
                + "\(Measure.count(lostAsAllowed)) accepted ones lost as the mode allows"
        ]
        for kind in kinds {
            let outcomes = kind.outcomes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \(Measure.count($0.value))" }
            lines.append("  \(kind.name)  \(Measure.count(kind.count)): \(outcomes.joined(separator: ", "))")
        }
        lines.append("faults, how often, and time to open (median, longest)")
        let width = faults.map(\.fault.rawValue.count).max() ?? 0
        for fault in faults {
            let name = fault.fault.rawValue + String(repeating: " ", count: width - fault.fault.rawValue.count)
            lines.append("  \(name)  \(fault.count)  \(Measure.seconds(fault.median))  \(Measure.seconds(fault.longest))")
        }
        if violations.isEmpty {
            lines.append("every promise was kept")
        } else {
            lines.append("\(violations.count) promises were broken")
            lines += violations.prefix(TortureReport.violationsPrinted).map(\.window)
        }
        return lines.joined(separator: "\n")
    }
}
