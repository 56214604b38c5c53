internal import Domain
internal import HotPath
internal import Logging
internal import Persistence
internal import RedisClient
internal import ServiceLifecycle

extension OwnedShard {
    /// Carries decisions to Postgres until the shard must be verified again (returns the reason), a graceful shutdown (returns `nil`), or a
    /// failure (throws).
    func drain(from start: Cursor) async throws -> ReverifyReason? {
        var cursor = start
        var nextCheck = clock.now() + configuration.checkInterval
        var nextCouponCheck = clock.now()
        var refused: [String] = []
        var missing = 0
        while !Task.isStopping {
            let read = try await reader.readOutbox(
                after: cursor.lastID,
                count: configuration.entriesPerBatch,
                block: configuration.readBlock
            )
            if !read.isEmpty {
                cursor = try await land(read, cursor)
                // Somebody deleted the first of them meanwhile; the others must not wait for it in the stream.
                if try await !settle(read, cursor) { try await settleLeftovers(upTo: cursor) }
            }
            metrics.lag(since: read.first?.id.timestamp)
            if clock.now() >= nextCheck {
                if let reason = try await check(cursor, &missing) { return reason }
                nextCheck = clock.now() + configuration.checkInterval
            }
            if clock.now() >= nextCouponCheck {
                if try await isCouponMissing(cursor.epoch) { return .drift(.couponMissing) }
                try await alarmIfReplayIsRefused(told: &refused)
                metrics.inQuarantine(try await ledger.quarantineCount(of: shard))
                nextCouponCheck = clock.now() + configuration.couponCheckInterval
            }
        }
        return nil
    }

    /// Lands entries in one transaction: writes the rows and the counts of their coupons, and moves the cursor. Postgres refuses if the
    /// cursor is not the one that this owner knows.
    func land(_ read: [OutboxRead], _ cursor: Cursor) async throws -> Cursor {
        let (entries, malformed) = OwnedShard.sorted(read)
        guard let last = read.last else { return cursor }
        let batch = LandingBatch(shard: shard, cursor: cursor, entries: entries, malformed: malformed, last: last.id)
        let result = try await ledger.land(batch)
        metrics.landed(result.landed)
        quarantined(result.quarantined)
        return result.cursor
    }

    /// Settles entries: trims them from the stream, after which their credit is spent and no longer held.
    /// - Returns: false if the stream does not begin with the first of them; read it again then.
    func settle(_ read: [OutboxRead], _ cursor: Cursor) async throws -> Bool {
        switch try await store.settle(cursor.epoch, read) {
        case .settled: return true
        case .notFirst: return false
        case .wrongEpoch: throw SyncError.epochMoved(cursor.epoch)
        }
    }

    /// Checks that the shard is still open and sound; `nil`: it is. The query also tells Postgres that this owner is alive.
    private func check(_ cursor: Cursor, _ missing: inout Int) async throws -> ReverifyReason? {
        let found = try await verify()
        alarmIfEntriesAreMissing(found.status, told: &missing)
        switch found.verdict {
        case .rebuild(let reason): return .drift(reason)
        // Only this owner may move the cursor.
        case .sound(let actual) where actual != cursor: throw LandingError.cursorMoved(actual: actual)
        case .sound: return found.status.scriptsLoaded ? nil : .scriptsMissing
        }
    }

    /// True if Redis lacks a coupon. Postgres is read first. Once Redis has applied as much of the control log as that snapshot contains,
    /// it must have all of its coupons. Before that the answer is false.
    private func isCouponMissing(_ epoch: Epoch) async throws -> Bool {
        let (coupons, control, _) = try await ledger.couponsSnapshot()
        let status = try await store.status()
        guard status.epoch == epoch, let applied = status.control, applied >= control else { return false }
        return try await store.stock(of: coupons.map(\.id)).count < coupons.count
    }

    /// Logs an error if Redis, at its next start, would not read back all that it wrote. Servers promise nothing on such a Redis. What it
    /// accepted before is carried to Postgres all the same.
    private func alarmIfReplayIsRefused(told: inout [String]) async throws {
        let refused = try await store.refusedInReplay()
        metrics.replay(refused: refused.count)
        guard refused != told else { return }
        told = refused
        if refused.isEmpty {
            logger.notice("a restart of Redis would find everything again")
        } else {
            logger.error("a restart of Redis would drop redemptions", metadata: ["error": "\(SyncError.replayRefused(refused))"])
        }
    }

    /// Logs an error if somebody deleted entries from the outbox: their users may have been told that they redeemed, and Postgres may never
    /// hear of it.
    func alarmIfEntriesAreMissing(_ status: ShardStatus, told: inout Int) {
        let missing = max(0, status.missingEntries ?? 0)
        metrics.missing(entries: missing)
        guard missing > told else { return }
        told = missing
        logger.error(
            "somebody deleted entries from the outbox; `redeem reconcile` says which redemptions Redis alone has",
            metadata: ["entries": "\(missing)"]
        )
    }
}

/// A failure that sends the owner back to the beginning of its loop.
enum SyncError: Error, CustomStringConvertible {
    case epochMoved(Epoch)
    case redisAway(RedisError)
    /// This Redis drops a part of its append-only file when it starts, and may have done so.
    case replayRefused([String])

    /// True if it needs an operator, so that it is logged as an error.
    var isAlarming: Bool {
        switch self {
        case .epochMoved, .redisAway: false
        case .replayRefused: true
        }
    }

    var description: String {
        switch self {
        case .epochMoved(let epoch): "the shard is no longer of epoch \(epoch)"
        case .redisAway(let error): "Redis does not answer: \(error)"
        case .replayRefused(let commands):
            "Redis's user 'default' has no right to \(commands.joined(separator: ", ")), so Redis drops such writes when it starts; "
                + "nothing is changed in it until you have sent it, on every node, \(ReplayRights.command.joined(separator: " ")), "
                + "then ACL SAVE or CONFIG REWRITE; and if it was started with that user as it is, start it once more: its file "
                + "still has what it dropped"
        }
    }
}
