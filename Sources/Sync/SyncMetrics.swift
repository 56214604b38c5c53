internal import Domain
internal import Metrics

/// What a sync worker tells of a shard. All of it is there from the start, so that an alert on its growth sees the first time.
struct SyncMetrics: Sendable {
    private let owner: Gauge
    private let lag: Gauge
    private let landed: Counter
    private let quarantined: Counter
    private let rebuilds: [RebuildReason: Counter]
    private let refusedInReplay: Gauge
    private let missingEntries: Gauge

    init(shard: Shard) {
        let dimensions = [("shard", shard.description)]
        owner = Gauge(label: Metric.shardOwner.name, dimensions: dimensions)
        lag = Gauge(label: Metric.syncLag.name, dimensions: dimensions)
        landed = Counter(label: Metric.syncLanded.name, dimensions: dimensions)
        quarantined = Counter(label: Metric.syncQuarantined.name, dimensions: dimensions)
        rebuilds = Dictionary(
            uniqueKeysWithValues: RebuildReason.allCases.map { reason in
                (reason, Counter(label: Metric.shardRebuilds.name, dimensions: dimensions + [("reason", reason.rawValue)]))
            }
        )
        refusedInReplay = Gauge(label: Metric.replayRefused.name, dimensions: dimensions)
        refusedInReplay.record(0)
        missingEntries = Gauge(label: Metric.outboxMissing.name, dimensions: dimensions)
        missingEntries.record(0)
        shardOpen(false)
    }

    /// Whether this worker owns the shard and has opened it. One that waits knows nothing of the shard, so it says nothing of it
    /// but that.
    func shardOpen(_ isOpen: Bool) {
        owner.record(isOpen ? 1 : 0)
        if !isOpen { lag.record(0) }
    }

    /// - Parameter oldest: when Redis decided the oldest redemption that has just landed; `nil`: there was nothing to land.
    func lag(since oldest: Timestamp?) {
        lag.record(oldest.map { Double(max(0, Timestamp.now().milliseconds - $0.milliseconds)) / 1000 } ?? 0)
    }

    func missing(entries: Int) { missingEntries.record(entries) }

    func replay(refused commands: Int) { refusedInReplay.record(commands) }

    func landed(_ rows: Int, quarantined bad: Int) {
        landed.increment(by: rows)
        if bad > 0 { quarantined.increment(by: bad) }
    }

    func rebuilt(_ reason: RebuildReason) { rebuilds[reason]?.increment() }
}
