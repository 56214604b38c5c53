internal import Domain
internal import Metrics

/// What continuous comparisons tell of a shard.
struct ReconcileMetrics: Sendable {
    private let shard: Shard

    init(shard: Shard) { self.shard = shard }

    func finished(_ report: ReconcileReport) {
        for check in report.checks { drift(check.invariant).record(check.violations) }
        Gauge(label: "redeem_reconcile_finished_timestamp_seconds", dimensions: [("shard", shard.description)])
            .record(Double(Timestamp.now().milliseconds) / 1000)
        runs(report.holds ? "holds" : "drift").increment()
    }

    func failed() { runs("failed").increment() }

    /// Nothing is known of a shard that somebody else owns.
    func clear() {
        for check in ReconcileReport().checks { drift(check.invariant).record(0) }
    }

    private func drift(_ invariant: Int) -> Gauge {
        Gauge(label: "redeem_drift", dimensions: [("shard", shard.description), ("invariant", "\(invariant)")])
    }

    private func runs(_ outcome: String) -> Counter {
        Counter(label: "redeem_reconcile_runs_total", dimensions: [("shard", shard.description), ("outcome", outcome)])
    }
}
