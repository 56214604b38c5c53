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

    /// The same shard, on one Redis alone. Another Redis may take the place of this one between two commands, and a step that was decided
    /// for one must not be carried out on another.
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

    /// Compares Redis with Postgres. The mark is read last: the entry that Redis has applied was in Postgres before.
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
            // It is told now, since a rebuild begins to count at 0 again.
            var told = 0
            alarmIfEntriesAreMissing(found.status, told: &told)
        }
        var verdict = known.map(Verdict.rebuild) ?? found.verdict
        if case .sound = verdict, isTorn { verdict = .rebuild(.tornFile) }
        return (shard, try await shard.open(verdict, found, since: started))
    }

    /// True if this Redis, when it started, carried out a part of a transaction that had not taken place. If it has the scripts, an owner
    /// has mended that since.
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

    /// Throws if Redis leaves out a part of its append-only file when it starts, since it may just have done so. The file has everything
    /// until Redis rewrites it. So nothing is changed, until Redis is started again with the rights that it needs.
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
                // The shard stays in its epoch, and no credit or stock is given to others, so what is found can still land.
                try await salvageUsers(prices: try await prices(), in: current.epoch, settledUpTo: settled)
            }
        case .rebuild(let reason):
            cursor = try await rebuild(reason, found)
        }
        try await endRevokedSessions(after: found.revocationsKnown(to: verdict))
        try await store.makeHome(at: found.status.host)
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

    /// Ends sessions whose revocation Redis may have missed or lost, so that none of them redeems anything once the shard is open.
    /// - Parameter sequence: the last entry of the control log that this Redis is known to have applied.
    func endRevokedSessions(after sequence: Int) async throws {
        try await sessions.end(try await ledger.sessionRevocations(after: sequence))
    }

    /// Settles the entries at or below the cursor. An owner that stopped between COMMIT and settling leaves them in the outbox, where their
    /// prices still count as held. What Postgres lacks of them, for another reason, goes to quarantine.
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
