internal import Domain
internal import Metrics
internal import Telemetry

/// The metrics of the continuous comparisons of a shard.
struct ReconcileMetrics: Sendable {
    private let shard: Shard

    init(shard: Shard) {
        self.shard = shard
        for outcome in Outcome.allCases { _ = runs(outcome) }
        _ = finishedAt
        clear()
    }

    func finished(_ report: ReconcileReport) {
        for check in report.checks { drift(check.invariant).record(check.violations) }
        finishedAt.record(Double(Timestamp.now().milliseconds) / 1000)
        runs(report.holds ? .holds : .drift).increment()
    }

    func failed() { runs(.failed).increment() }

    /// Sets all drift to 0, since a worker knows nothing of a shard that it does not own.
    func clear() {
        for check in ReconcileReport().checks { drift(check.invariant).record(0) }
    }

    private enum Outcome: String, CaseIterable {
        case holds
        case drift
        case failed
    }

    private var finishedAt: Gauge { Gauge(label: Metric.reconcileFinished.name, dimensions: [("shard", shard.description)]) }

    private func drift(_ invariant: Int) -> Gauge {
        Gauge(label: Metric.drift.name, dimensions: [("shard", shard.description), ("invariant", "\(invariant)")])
    }

    private func runs(_ outcome: Outcome) -> Counter {
        Counter(label: Metric.reconcileRuns.name, dimensions: [("shard", shard.description), ("outcome", outcome.rawValue)])
    }
}
