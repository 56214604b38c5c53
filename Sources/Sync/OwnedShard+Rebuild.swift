internal import Domain
internal import HotPath
internal import Logging
internal import Persistence

extension OwnedShard {
    /// Rebuilds Redis from Postgres under the next epoch and leaves it closed, to be opened by loading the scripts.
    ///
    /// It may be cut off anywhere. Until the epoch is committed, the shard is only closed and drained, both of which can be done again.
    /// From the commit until the shard's record is written, which is last, Redis has another epoch than Postgres or no record, so the next
    /// owner rebuilds again. The entries of the old stream were landed before the commit.
    func rebuild(_ reason: RebuildReason, _ found: ShardComparison) async throws -> Cursor {
        // A shard that is open is closed at once in any case. One that is closed keeps its record until it can be rebuilt.
        if !found.status.scriptsLoaded { try await store.requireRest() }
        metrics.shardOpen(false)
        metrics.rebuilt(reason)
        logger.log(
            level: reason.isExpected && !found.postgresWentBack ? .notice : .error,
            "rebuilding the shard from Postgres",
            metadata: ["reason": "\(reason.rawValue)"]
        )
        if found.postgresWentBack { tellThatPostgresWentBack() }

        // The record shows that this is needed, so it comes before the record is removed: if this owner is cut off, the next one does it.
        if found.hasSessionsOfAnotherTime(reason) {
            let ended = try await sessions.endAll(of: shard)
            metrics.loggedEverybodyOut()
            logger.error(
                "sessions of this Redis are of another time than the users in Postgres, so everybody is logged out",
                metadata: ["sessions": "\(ended)"]
            )
        }
        let prices = found.mayHaveMoreThanPostgres(reason) ? try await prices() : nil
        let known = try await ledger.allCoupons().map(\.id)
        // From here on there is no record. An owner that finds none does all that follows, since nothing tells that a step is not needed.
        try await store.close(coupons: known)
        let drained = try await salvageOutbox(from: found.cursor)
        var leftByAnEarlierVersion = 0
        if let prices {
            try await salvageUsers(prices: prices)
            leftByAnEarlierVersion = try await salvageEarlierUsers(prices: prices)
        }
        let fresh = try await beginEpoch(after: drained, above: found.status.begunEpoch)
        if leftByAnEarlierVersion > 0 { try await store.unlinkEarlierUsers() }
        let snapshot = try await ledger.couponsSnapshot()
        try await store.writeCoupons(snapshot.coupons, epoch: fresh.epoch)
        // The record will count the revocations as applied, so the sessions end before it is written.
        try await endRevokedSessions(after: found.revocationsKnown(to: .rebuild(reason)))
        try await store.writeShard(epoch: fresh.epoch, control: snapshot.control, mark: snapshot.mark)
        logger.notice(
            "the shard is rebuilt",
            metadata: ["epoch": "\(fresh.epoch)", "coupons": "\(snapshot.coupons.count)", "control": "\(snapshot.control)"]
        )
        return fresh
    }

    /// Commits the next epoch in Postgres, then claims it in Redis. Redis refuses an epoch that it has seen before: that of an owner that
    /// lost the shard, or of a Postgres that is older than this Redis.
    private func beginEpoch(after drained: Cursor?, above begun: Epoch?) async throws -> Cursor {
        // Between the two, Redis looks like an earlier one, whose sessions are ended.
        try await store.requireRest()
        let fresh = try await ledger.beginEpoch(shard, after: drained, above: begun)
        try await store.beginEpoch(fresh.epoch)
        return fresh
    }

    /// Lands the entries that the closed shard's stream has beyond the cursor. After this the stream is cleared.
    ///
    /// Entries of another epoch than the cursor's cannot land, since their credit and stock were given out again. What Postgres lacks of
    /// them goes to quarantine. So does what it lacks of entries at or below the cursor, and so do entries that cannot be read.
    private func salvageOutbox(from cursor: Cursor?) async throws -> Cursor? {
        var position = StreamID.zero
        var cursor = cursor
        while true {
            let read = try await store.readOutbox(after: position, count: configuration.entriesPerBatch, block: nil)
            guard let last = read.last else { return cursor }
            position = last.id
            var (current, foreign, passed): ([OutboxRead], [OutboxRead], [OutboxRead]) = ([], [], [])
            for item in read {
                switch item {
                case .entry(let entry) where entry.epoch != cursor?.epoch: foreign.append(item)
                case .entry, .malformed:
                    switch cursor {
                    case let cursor? where item.id > cursor.lastID: current.append(item)
                    case .some: passed.append(item)
                    case nil: foreign.append(item)
                    }
                }
            }
            let epoch = cursor?.epoch
            try await keep(foreign, of: epoch, because: "of another epoch than the shard's when it was rebuilt")
            try await keep(passed, of: epoch, because: OwnedShard.passedReason)
            if let known = cursor, !current.isEmpty {
                cursor = try await land(current, known)
            }
        }
    }
}
