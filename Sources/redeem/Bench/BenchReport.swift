internal import Foundation
internal import LoadGenerator

/// All results of a run.
struct BenchReport: Sendable, Codable {
    struct Configuration: Sendable, Codable {
        let scenario: Scenario
        let target: String
        let pace: String
        let rate: Double?
        let durationSeconds: Double
        let warmupSeconds: Double
        let connections: Int
        let threads: Int
        let timeoutSeconds: Double
        let seed: UInt64
        let mix: String
        let idempotencyKeys: Bool
        /// Users of a local target.
        let users: Int?
        let stock: Int?
        let durability: String?
    }

    /// A processor's time in microseconds for each request of the whole run.
    struct ProcessorTime: Sendable, Codable {
        let process: String
        let microseconds: Double
    }

    /// The comparison with an earlier run.
    struct Comparison: Sendable, Codable {
        let version: String
        let startedAt: Date
        /// Each metric of this run divided by that of the earlier run.
        let ratios: [String: Double]
        /// The facts that make the two runs different kinds of run.
        let differences: [String]
    }

    let version: String
    let startedAt: Date
    let machine: Machine
    let configuration: Configuration
    let result: LoadResult
    /// Requests whose outcome is unknown.
    let unknown: Int
    /// The target's processes that are on this machine and known.
    let processors: [ProcessorTime]
    let checks: [SaleFacts.Check]
    /// `nil` without --baseline.
    var baseline: Comparison?
    /// The conditions of --fail-if that hold, each with the value that was found.
    var failed: [String: String]

    var isKept: Bool { checks.allSatisfy { $0.holds != false } }

    /// Outcomes that leave open whether the request was carried out.
    static let unknownOutcomes = Set(TransportFailure.allCases.map(\.rawValue) + ["outcome_unknown"])

    static func unknown(in result: LoadResult) -> Int {
        result.outcomes.filter { unknownOutcomes.contains($0.outcome.name) }.reduce(0) { $0 + $1.count }
    }

    /// Remarks that a reader should know before believing the figures.
    var notes: [String] {
        var notes: [String] = []
        if let target = result.targetRate, result.rate < 0.98 * target, result.seconds > 1 {
            notes.append(
                "the target answered \(Measure.percent(result.rate / target)) of the rate asked for: latencies are those of a queue"
            )
        }
        if result.notSent > 0 {
            notes.append("\(Measure.count(result.notSent)) requests were not sent, for want of a connection; no latency has them")
        }
        if let late = result.generator.lateness?.p99, late > 5 {
            notes.append(
                "the generator itself was late by \(Measure.milliseconds(late)) (p99): other work on this machine is in the figures"
            )
        }
        if result.generator.busy > 0.8 {
            notes.append("the generator's threads were \(Measure.percent(result.generator.busy)) busy: give it more --threads")
        }
        if configuration.pace == "closed" {
            notes.append("a closed loop: a stall delays the requests behind it, and they are not in the latencies")
        }
        if let baseline, !baseline.differences.isEmpty {
            notes.append("the baseline is another kind of run: \(baseline.differences.joined(separator: "; "))")
        }
        return notes
    }
}
