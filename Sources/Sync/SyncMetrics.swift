internal import Domain
internal import Metrics

/// What a sync worker tells of a shard.
struct SyncMetrics: Sendable {
    private let open: Gauge
    private let lag: Gauge
    private let outboxLength: Gauge
    private let landed: Counter
    private let quarantined: Counter
    private let shard: Shard

    init(shard: Shard) {
        self.shard = shard
        let dimensions = [("shard", shard.description)]
        open = Gauge(label: "redeem_shard_open", dimensions: dimensions)
        lag = Gauge(label: "redeem_sync_lag_seconds", dimensions: dimensions)
        outboxLength = Gauge(label: "redeem_outbox_length", dimensions: dimensions)
        landed = Counter(label: "redeem_sync_landed_total", dimensions: dimensions)
        quarantined = Counter(label: "redeem_sync_quarantined_total", dimensions: dimensions)
    }

    func shardOpen(_ isOpen: Bool) { open.record(isOpen ? 1 : 0) }

    /// - Parameter oldest: when Redis decided the oldest redemption that has just landed; `nil`: there was nothing to land.
    func lag(since oldest: Timestamp?) {
        lag.record(oldest.map { Double(max(0, Timestamp.now().milliseconds - $0.milliseconds)) / 1000 } ?? 0)
    }

    func outbox(entries: Int) { outboxLength.record(entries) }

    func landed(_ rows: Int, quarantined bad: Int) {
        landed.increment(by: rows)
        if bad > 0 { quarantined.increment(by: bad) }
    }

    func rebuilt(_ reason: RebuildReason) {
        Counter(label: "redeem_shard_rebuilds_total", dimensions: [("shard", shard.description), ("reason", reason.rawValue)])
            .increment()
    }
}
