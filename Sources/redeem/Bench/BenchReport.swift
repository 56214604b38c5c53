internal import Foundation
internal import LoadGenerator

/// All that a run has found.
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
        /// Of a local target.
        let users: Int?
        let stock: Int?
        let durability: String?
    }

    /// Microseconds of a processor for each request of the whole run.
    struct ProcessorTime: Sendable, Codable {
        let process: String
        let microseconds: Double
    }

    /// Beside an earlier run.
    struct Comparison: Sendable, Codable {
        let version: String
        let startedAt: Date
        /// What this run has of what that one had, by metric.
        let ratios: [String: Double]
        /// In what the two are not of one kind.
        let differences: [String]
    }

    let version: String
    let startedAt: Date
    let machine: Machine
    let configuration: Configuration
    let result: LoadResult
    /// Requests of which it is not known whether they were carried out.
    let unknown: Int
    /// Of the target's processes, where they are on this machine and known.
    let processors: [ProcessorTime]
    let checks: [SaleFacts.Check]
    /// `nil`: there is no --baseline.
    var baseline: Comparison?
    /// Conditions of --fail-if that hold, each with what was found.
    var failed: [String: String]

    var isKept: Bool { checks.allSatisfy { $0.holds != false } }

    /// Outcomes of which it is not known whether the request was carried out.
    static let unknownOutcomes = Set(TransportFailure.allCases.map(\.rawValue) + ["outcome_unknown"])

    static func unknown(in result: LoadResult) -> Int {
        result.outcomes.filter { unknownOutcomes.contains($0.outcome.name) }.reduce(0) { $0 + $1.count }
    }

    /// What a reader should know before believing the figures.
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
