internal import Domain
internal import HotPath
internal import Logging
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import ServiceLifecycle

/// The loop of a worker for one shard. It waits for the lock. While it has the lock, it keeps the shard open, and carries decisions to
/// Postgres and operators' changes to Redis. After any failure it begins again. The lock belongs to the Postgres connection that also
/// writes, so a worker that lost the lock cannot write.
struct ShardOwner: Sendable {
    let store: ShardStore
    let reader: ShardStore
    let sessions: SessionStore
    /// Runs beside an open shard; `nil`: nothing does.
    let reconcile: ContinuousReconcile?
    /// Opens a connection to Postgres: the one that is to own the shard, or another one beside it.
    let connect: @Sendable (_ asOwner: Bool) async throws -> any ShardLedger
    let configuration: SyncConfiguration
    let clock: SyncClock
    let logger: Logger

    init(
        store: ShardStore,
        reader: ShardStore,
        sessions: SessionStore,
        reconcile: ContinuousReconcile?,
        connect: @escaping @Sendable (_ asOwner: Bool) async throws -> any ShardLedger,
        configuration: SyncConfiguration,
        clock: SyncClock = .continuous,
        logger: Logger
    ) {
        self.store = store
        self.reader = reader
        self.sessions = sessions
        self.reconcile = reconcile
        self.connect = connect
        self.configuration = configuration
        self.clock = clock
        var logger = logger
        logger[metadataKey: "shard"] = "\(store.shard)"
        self.logger = logger
    }

    func run() async {
        let metrics = SyncMetrics(shard: store.shard)
        var pause = Backoff(first: configuration.retryPause, limit: configuration.retryPauseLimit)
        while !Task.isStopping {
            do {
                let ledger = try await connect(true)
                do {
                    // A worker that waits for the lock knows nothing of the shard.
                    metrics.replay(refused: 0)
                    metrics.missing(entries: 0)
                    if try await becomeOwner(ledger) {
                        logger.info("owns the shard")
                        let began = clock.now()
                        // A failure that comes at once each time (a missing schema) must not be met twenty times a second.
                        defer { if clock.now() - began > configuration.retryPauseLimit { pause.reset() } }
                        // From now on the next owner tells what is in quarantine.
                        defer { metrics.inQuarantine(0) }
                        try await stayingHeard(ledger) { try await own(ledger, metrics) }
                    }
                } catch {
                    metrics.shardOpen(false)
                    await ledger.close()
                    throw error
                }
                await ledger.close()
            } catch is CancellationError {
                break
            } catch {
                guard !Task.isStopping else { break }
                let delay = self.delay(after: error, &pause)
                metrics.failed()
                logger.log(
                    level: ShardOwner.needsAnOperator(error) ? .error : .warning,
                    "the owner's loop failed; it starts again",
                    metadata: ["error": "\(error)", "pause": "\(delay)"]
                )
                await clock.sleep(delay)
            }
        }
        metrics.shardOpen(false)
        logger.info("stopped")
    }

    /// True if a store answers and refuses: rights are missing (NOPERM), a disk is full (MISCONF), a table does not exist. A store that is
    /// away comes back by itself.
    private static func needsAnOperator(_ error: any Error) -> Bool {
        switch error {
        case let error as SyncError: error.isAlarming
        case let error as RedisError:
            error.serverPrefix.map { !ShardOwner.passingRefusals.contains($0) } ?? false
        case let error as PostgresError: error.sqlState.map { !ShardOwner.passingStates.contains(String($0.prefix(2))) } ?? false
        default: false
        }
    }

    /// Refusals that pass: those of a Redis that starts, is made a replica, or has another owner, and of a slot that moves.
    private static let passingRefusals: Set = [
        "NOSCRIPT", "FENCED", "LOADING", "MASTERDOWN", "READONLY", "BUSY", "NOREPLICAS", "MOVED", "ASK", "TRYAGAIN",
        "CLUSTERDOWN",
    ]
    /// Classes of refusals that pass: the connection, a conflict of transactions, an operator's intervention.
    private static let passingStates: Set = ["08", "40", "57"]

    /// The pause after a failure. A worker that does not reach Redis pauses for so long that a waiting worker gets the shard.
    private func delay(after error: any Error, _ backoff: inout Backoff) -> Duration {
        if case SyncError.redisAway = error { configuration.lockRetry * 2 } else { backoff.next() }
    }

    /// Runs the body, and meanwhile tells Postgres that this owner is alive. The body may wait for Redis longer than an owner may be
    /// silent: for a look through all keys, or for one command that is answered late. A stopped process tells nothing, and loses the lock.
    private func stayingHeard(_ ledger: any ShardLedger, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                while true {
                    await clock.sleep(configuration.ownerSilence / SyncConfiguration.signsInSilence)
                    guard !Task.isStopping else { return false }
                    _ = try await ledger.cursor(of: store.shard)
                }
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next(), !isDone {}
        }
    }

    /// Waits for the shard's lock. False: shutting down.
    private func becomeOwner(_ ledger: any ShardLedger) async throws -> Bool {
        let shard = store.shard
        try await ledger.commitDurably()
        var waiting = false
        while !Task.isStopping {
            if try await ledger.tryLock(shard) { return true }
            if !waiting {
                logger.info("another worker owns the shard; waiting")
                waiting = true
            }
            let silence = configuration.ownerSilence
            if try await ledger.endSilentOwner(of: shard, after: silence) {
                logger.warning("the owner has stopped in the middle of a batch; its connection was ended")
            }
            await clock.sleep(configuration.lockRetry)
        }
        return false
    }

    /// Waits until Redis answers, so that it is verified as soon as it does. False: shutting down.
    private func waitForRedis() async throws -> Bool {
        let limit = clock.now() + configuration.redisPatience
        while !Task.isStopping {
            do throws(RedisError) {
                try await store.connected()
                try await reader.connected()
                return true
            } catch {
                guard clock.now() < limit else { throw SyncError.redisAway(error) }
            }
            // Redis may refuse the connection at once, so there is a pause before the next attempt.
            await clock.sleep(configuration.retryPause)
        }
        return false
    }

    /// Does an owner's work until a failure (thrown) or a graceful shutdown (returns).
    private func own(_ ledger: any ShardLedger, _ metrics: SyncMetrics) async throws {
        let shard = OwnedShard(
            store: store,
            reader: reader,
            sessions: sessions,
            ledger: ledger,
            configuration: configuration,
            clock: clock,
            metrics: metrics,
            logger: logger
        )
        var rebuild: RebuildReason?
        while !Task.isStopping {
            guard try await waitForRedis() else { return }
            let (verified, cursor) = try await shard.verifyAndOpen(rebuild)
            // Nobody waits for this task's end: a shard that must be verified again does not wait for a statement that counts all rows.
            let reconciling = reconcile.map { reconcile in Task { await reconcile.run() } }
            defer { reconciling?.cancel() }
            let reason = try await withThrowingTaskGroup(of: ReverifyReason?.self) { group in
                group.addTask { try await verified.drain(from: cursor) }
                group.addTask {
                    try await ControlFeed(shard: verified, connect: { try await connect(false) }).run(epoch: cursor.epoch)
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            guard let reason else { return }
            metrics.shardOpen(false)
            switch reason {
            case .scriptsMissing:
                logger.notice("this Redis has no scripts, so it is compared with Postgres")
                rebuild = nil
            case .drift(let seen):
                logger.warning("the shard must be rebuilt", metadata: ["reason": "\(seen.rawValue)"])
                rebuild = seen
            }
        }
    }
}

/// The reason why an open shard must be compared with Postgres again.
enum ReverifyReason: Hashable, Sendable {
    /// The scripts are gone: Redis restarted, failed over, was replaced, or had its scripts flushed.
    case scriptsMissing
    /// Redis and Postgres differ, or an operator asked: the shard must be rebuilt.
    case drift(RebuildReason)
}
