internal import Domain
internal import Metrics
internal import Telemetry

/// The metrics of a sync worker for one shard. All of them exist from the start, so that an alert on growth sees the first event.
struct SyncMetrics: Sendable {
    private let owner: Gauge
    private let lag: Gauge
    private let landed: Counter
    private let quarantined: Counter
    private let quarantine: Gauge
    private let wentBack: Counter
    private let logOuts: Counter
    private let failures: Counter
    private let unreadable: Counter
    private let rebuilds: [RebuildReason: Counter]
    private let refusedInReplay: Gauge
    private let missingEntries: Gauge

    init(shard: Shard) {
        let dimensions = [("shard", shard.description)]
        func counter(_ metric: Metric) -> Counter { Counter(label: metric.name, dimensions: dimensions) }
        func gauge(_ metric: Metric) -> Gauge { Gauge(label: metric.name, dimensions: dimensions) }
        owner = gauge(.shardOwner)
        lag = gauge(.syncLag)
        landed = counter(.syncLanded)
        quarantined = counter(.syncQuarantined)
        quarantine = gauge(.quarantine)
        wentBack = counter(.postgresWentBack)
        logOuts = counter(.everybodyLoggedOut)
        failures = counter(.syncFailures)
        unreadable = counter(.controlUnreadable)
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
        inQuarantine(0)
    }

    /// Records whether this worker owns the shard and has opened it. A worker that waits knows nothing else of the shard.
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

    func landed(_ rows: Int) { landed.increment(by: rows) }

    /// Counts the redemptions that this worker put into quarantine.
    func quarantined(_ count: Int) { quarantined.increment(by: count) }

    /// Records how many entries are in quarantine now. A worker that does not own the shard records 0.
    func inQuarantine(_ count: Int) { quarantine.record(count) }

    func postgresWentBack() { wentBack.increment() }

    func loggedEverybodyOut() { logOuts.increment() }

    func failed() { failures.increment() }

    func controlUnreadable() { unreadable.increment() }

    func rebuilt(_ reason: RebuildReason) { rebuilds[reason]?.increment() }
}
