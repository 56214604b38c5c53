internal import Domain
internal import HotPath
internal import Logging
internal import Persistence

extension OwnedShard {
    /// Rebuilds Redis from Postgres under the next epoch and leaves it closed, to be opened by loading the scripts.
    ///
    /// Safe to be cut off anywhere. Until the epoch is committed the old one is only closed and drained, both of which can
    /// be done again. From the commit on Redis is of another epoch than Postgres, or has no shard record, until that record
    /// is written last: the next owner rebuilds again. What the old stream held was landed before the commit.
    func rebuild(_ reason: RebuildReason, _ found: ShardComparison) async throws -> Cursor {
        metrics.shardOpen(false)
        metrics.rebuilt(reason)
        logger.log(
            level: reason.isExpected && !found.postgresWentBack ? .notice : .error,
            "rebuilding the shard from Postgres",
            metadata: ["reason": "\(reason.rawValue)"]
        )
        if found.postgresWentBack { tellThatPostgresWentBack() }

        // Before the record goes that tells of it, so that an owner who is cut off here leaves it to the next one.
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
        // Without the record the next owner does all that follows: it cannot know that it is not needed.
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
        // The record counts them as applied, so an owner who is cut off behind it leaves none of them to the next one.
        try await endRevokedSessions(after: found.revocationsKnown(to: .rebuild(reason)))
        try await store.writeShard(epoch: fresh.epoch, control: snapshot.control, mark: snapshot.mark)
        logger.notice(
            "the shard is rebuilt",
            metadata: ["epoch": "\(fresh.epoch)", "coupons": "\(snapshot.coupons.count)", "control": "\(snapshot.control)"]
        )
        return fresh
    }

    /// Commits the next epoch in Postgres, then claims it in Redis, which refuses one that it has seen before: of an owner that
    /// lost the shard, or of a Postgres older than this Redis.
    private func beginEpoch(after drained: Cursor?, above begun: Epoch?) async throws -> Cursor {
        let fresh = try await ledger.beginEpoch(shard, after: drained, above: begun)
        try await store.beginEpoch(fresh.epoch)
        return fresh
    }

    /// Lands what the closed shard's stream still has beyond the cursor. Entries of another epoch than the cursor's cannot be
    /// landed safely, since their credit and stock were given out again: those that Postgres lacks go to quarantine. So do those at or
    /// below the cursor that Postgres lacks, and what cannot be read: after this the stream is cleared.
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
