internal import Domain
internal import HotPath
internal import Logging
internal import Persistence
internal import PostgresClient
internal import ServiceLifecycle

/// Compares an owner's shard with Postgres again and again, beside its work, on connections of its own. It mends nothing; it only counts
/// and logs.
struct ContinuousReconcile: Sendable {
    let shard: Shard
    let hotPath: HotPath
    let postgres: PostgresConfiguration
    let interval: Duration
    let statementTimeout: Duration
    let logger: Logger
    private let metrics: ReconcileMetrics

    init(
        shard: Shard,
        hotPath: HotPath,
        postgres: PostgresConfiguration,
        interval: Duration,
        statementTimeout: Duration,
        logger: Logger
    ) {
        self.shard = shard
        self.hotPath = hotPath
        self.postgres = postgres
        self.interval = interval
        self.statementTimeout = statementTimeout
        self.logger = logger
        metrics = ReconcileMetrics(shard: shard)
    }

    /// How long after a comparison that finds drift a second one follows, which counts: the first may have met a rebuild that began.
    private static let secondLook: Duration = .seconds(1)
    private static let examplesLogged = 3

    /// Runs until the task is cancelled or the worker stops. It may then still wait for a statement of Postgres, so do not wait for its
    /// end: it changes nothing.
    func run() async {
        var configuration = postgres
        configuration.maximumConnections = 1
        configuration.statementTimeout = statementTimeout
        let client = PostgresClient(configuration: configuration, logger: logger)
        let reconciler = Reconciler(hotPath: hotPath, postgres: client, shard: shard, pace: .continuous)
        metrics.clear()
        var told: [Int: Int] = [:]
        while await sleep(interval) {
            do {
                var report = try await reconciler.run()
                if !report.holds, await sleep(ContinuousReconcile.secondLook) { report = try await reconciler.run() }
                guard !Task.isStopping else { break }
                metrics.finished(report)
                tell(report, &told)
            } catch {
                guard !Task.isStopping else { break }
                metrics.failed()
                logger.warning("Redis and Postgres could not be compared", metadata: ["error": "\(error)"])
            }
        }
        // From now on the next owner records the drift.
        metrics.clear()
        await client.close()
    }

    /// Logs when drift appears, changes or goes.
    private func tell(_ report: ReconcileReport, _ told: inout [Int: Int]) {
        let violations = Dictionary(
            uniqueKeysWithValues: report.checks.filter { !$0.holds }.map { ($0.invariant, $0.violations) }
        )
        guard violations != told else { return }
        told = violations
        guard !report.holds else { return logger.notice("Redis and Postgres agree again") }
        var metadata: Logger.Metadata = [:]
        for check in report.checks where !check.holds {
            let examples = check.examples.prefix(ContinuousReconcile.examplesLogged).joined(separator: " | ")
            metadata["invariant_\(check.invariant)"] = "\(check.violations) wrong: \(examples)"
        }
        logger.error("Redis and Postgres have parted; `redeem reconcile` says more", metadata: metadata)
    }

    /// False: it is time to stop.
    private func sleep(_ duration: Duration) async -> Bool {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
        return !Task.isStopping
    }
}
