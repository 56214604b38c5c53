internal import Foundation
internal import LoadGenerator
internal import Terminal

/// An earlier run to compare with, as `--json` wrote it. Only the parts that are needed are read.
struct BenchBaseline: Sendable, Decodable {
    let version: String
    let startedAt: Date
    let machine: Machine
    let configuration: BenchReport.Configuration
    let result: LoadResult
    let unknown: Int

    /// The metrics that are compared.
    static let metrics: [FailCondition.Metric] = [.rate, .p50, .p90, .p99, .p999, .max]

    init(file path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError("cannot read '\(path)'", remedy: "give --baseline the path of a file that redeem bench --json wrote")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            self = try decoder.decode(BenchBaseline.self, from: data)
        } catch {
            throw UsageError(
                "'\(path)' is no report of redeem bench: \(BenchBaseline.text(of: error))",
                remedy: "give --baseline a file that redeem bench --json wrote"
            )
        }
    }

    var run: FailCondition.Run { FailCondition.Run(result, unknown: unknown) }

    /// The ratios of a run to this one, and the facts that make them different kinds of run.
    func compared(with run: FailCondition.Run, _ configuration: BenchReport.Configuration, _ machine: Machine)
        -> BenchReport.Comparison
    {
        var ratios: [String: Double] = [:]
        for metric in BenchBaseline.metrics {
            guard let now = metric.value(in: run), let before = metric.value(in: self.run), before > 0 else { continue }
            ratios[metric.rawValue] = now / before
        }
        return BenchReport.Comparison(
            version: version,
            startedAt: startedAt,
            ratios: ratios,
            differences: zip(BenchBaseline.facts(self.configuration, self.machine), BenchBaseline.facts(configuration, machine))
                .filter { $0.value != $1.value }.map { "\($0.name) \($0.value), now \($1.value)" }
        )
    }

    /// Two runs can be compared if all of these facts are equal.
    private static func facts(_ configuration: BenchReport.Configuration, _ machine: Machine) -> [(name: String, value: String)] {
        [
            ("scenario", configuration.scenario.rawValue), ("pace", configuration.pace),
            ("rate", configuration.rate.map(Measure.rate) ?? "none"),
            ("duration", Measure.seconds(configuration.durationSeconds)), ("connections", "\(configuration.connections)"),
            ("threads", "\(configuration.threads)"), ("mix", configuration.mix),
            ("Idempotency-Key", configuration.idempotencyKeys ? "sent" : "not sent"),
            ("durability", configuration.durability ?? "not known"),
            ("users", configuration.users.map(Measure.count) ?? "not known"),
            ("processor", machine.processor), ("cores", "\(machine.cores)"),
        ]
    }

    private static func text(of error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "it has no '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is something else"
        case .dataCorrupted(let context): context.debugDescription
        case nil: error.localizedDescription
        @unknown default: error.localizedDescription
        }
    }
}
