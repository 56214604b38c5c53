internal import Domain
internal import HotPath
internal import Logging
internal import Persistence
internal import RedisClient

/// A shard whose lock the connection of `ledger` holds. The extensions are the steps of the owner's loop.
struct OwnedShard: Sendable {
    let store: ShardStore
    /// The same shard over a connection of its own, for reads that block.
    let reader: ShardStore
    let sessions: SessionStore
    let ledger: any ShardLedger
    let configuration: SyncConfiguration
    let clock: SyncClock
    let metrics: SyncMetrics
    let logger: Logger

    var shard: Shard { store.shard }

    /// The same, on one Redis alone. Between two commands Redis may be replaced by another one that lacks what this owner knows
    /// of: a step that was decided on for the one must not be carried out on the other.
    private func pinned(to redis: ReplicationID) -> OwnedShard {
        OwnedShard(
            store: store.pinned(to: redis),
            reader: reader.pinned(to: redis),
            sessions: sessions.pinned(to: redis),
            ledger: ledger,
            configuration: configuration,
            clock: clock,
            metrics: metrics,
            logger: logger
        )
    }

    /// Compares Redis with Postgres. What Redis has applied was in Postgres before, so that is asked for last.
    func verify() async throws -> ShardComparison {
        let cursor = try await ledger.cursor(of: shard)
        let status = try await store.status()
        let mark: Int? = if let applied = status.control, applied > 0 { try await ledger.controlMark(of: applied) } else { nil }
        return ShardComparison(cursor: cursor, status: status, mark: mark)
    }

    /// Brings the shard from any state to open. Returns it, pinned to the Redis that was verified, and the cursor to drain from.
    /// - Parameter known: a reason to rebuild that the comparison does not see.
    func verifyAndOpen(_ known: RebuildReason? = nil) async throws -> (shard: OwnedShard, from: Cursor) {
        let started = clock.now()
        let found = try await verify()
        let shard = pinned(to: found.status.redis)
        try await shard.requireReplay()
        let isTorn = try await shard.hasTornFile(found)
        if !isTorn {
            // A rebuild begins to count again.
            var told = 0
            alarmIfEntriesAreMissing(found.status, told: &told)
        }
        var verdict = known.map(Verdict.rebuild) ?? found.verdict
        if case .sound = verdict, isTorn { verdict = .rebuild(.tornFile) }
        return (shard, try await shard.open(verdict, found, since: started))
    }

    /// Whether this Redis, when it started, wrote into users, coupons or the outbox what had not taken place. Once it has the scripts, an
    /// owner has mended that.
    private func hasTornFile(_ found: ShardComparison) async throws -> Bool {
        guard !found.status.scriptsLoaded else { return false }
        let count = try await store.tornTransactions()
        guard count > 0 else { return false }
        logger.error(
            """
            Redis's append-only file has the beginning of a transaction that a crash had cut off, and Redis carried it out when it started; \
            send it BGREWRITEAOF once the shard is open, or each start of Redis rebuilds the shard
            """,
            metadata: ["transactions": "\(count)"]
        )
        return true
    }

    /// Redis that drops a part of its append-only file at a start may have just done so. The file has everything until something
    /// is written over it, so it stays as it is for another start, with the rights that it takes.
    private func requireReplay() async throws {
        let refused = try await store.refusedInReplay()
        metrics.replay(refused: refused.count)
        guard refused.isEmpty else { throw SyncError.replayRefused(refused) }
    }

    private func open(
        _ verdict: Verdict,
        _ found: ShardComparison,
        since started: ContinuousClock.Instant
    ) async throws -> Cursor {
        let cursor: Cursor
        switch verdict {
        case .sound(let current):
            cursor = current
            if let settled = found.status.settled, found.hasSettledBeyondTheCursor {
                tellThatPostgresWentBack()
                // Nothing is given to others: the shard stays in its epoch, so what is found can still land.
                try await salvageUsers(prices: try await prices(), in: current.epoch, settledUpTo: settled)
            }
        case .rebuild(let reason):
            cursor = try await rebuild(reason, found)
        }
        try await endRevokedSessions(after: found.revocationsKnown(to: verdict))
        try await store.loadScripts()
        try await settleLeftovers(upTo: cursor)
        metrics.shardOpen(true)
        logger.info(
            "the shard is open",
            metadata: [
                "epoch": "\(cursor.epoch)", "cursor": "\(cursor.lastID)", "redis": "\(found.status.redis)",
                "after": "\(clock.now() - started)",
            ]
        )
        return cursor
    }

    /// No session that was revoked redeems anything after the shard is open, though Redis may have missed the revocation or lost
    /// it.
    /// - Parameter sequence: the last entry of the control log that this Redis is known to have applied.
    func endRevokedSessions(after sequence: Int) async throws {
        try await sessions.end(try await ledger.sessionRevocations(after: sequence))
    }

    /// An owner that stopped between COMMIT and settle left entries in the outbox that Postgres has, so their prices count as held:
    /// exactly those at or below the cursor. What Postgres lacks of them for another reason is kept.
    func settleLeftovers(upTo cursor: Cursor) async throws {
        while true {
            let entries = try await store.readOutbox(after: .zero, count: configuration.entriesPerBatch, block: nil)
            let leftovers = Array(entries.prefix { $0.id <= cursor.lastID })
            guard !leftovers.isEmpty else { return }
            try await keep(leftovers, of: cursor.epoch, because: OwnedShard.passedReason)
            _ = try await settle(leftovers, cursor)
        }
    }
}
