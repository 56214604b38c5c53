internal import Domain
internal import HotPath

/// One shard in Postgres and in Redis, side by side. No I/O.
struct ShardComparison: Hashable, Sendable {
    /// The cursor in Postgres.
    let cursor: Cursor?
    let status: ShardStatus
    /// The moment at which Postgres wrote the control entry that Redis applied last; `nil`: Postgres has no such entry.
    let mark: Int?

    var verdict: Verdict {
        guard let cursor else { return .rebuild(.firstStart) }
        guard status.layout != .earlier else { return .rebuild(.layoutChanged) }
        guard let epoch = status.epoch, let applied = status.control else { return .rebuild(.shardMissing) }
        // The key is gone that keeps off workers of earlier versions. One of them removed it, and was cut off before it wrote its record.
        guard status.layout == .current else { return .rebuild(.layoutChanged) }
        guard epoch == cursor.epoch else { return .rebuild(.otherEpoch) }
        guard status.outboxLastID >= cursor.lastID else { return .rebuild(.behindCursor) }
        guard !hasMoved else { return .rebuild(.moved) }
        guard applied == 0 || mark != nil else { return .rebuild(.aheadOfControl) }
        guard !appliedAnotherEntry else { return .rebuild(.controlDiffers) }
        return .sound(cursor)
    }

    /// The shard's slot came to this node of the cluster by a move, and not by a promotion: the last id of the outbox does not tell whether
    /// all of its other keys came along.
    private var hasMoved: Bool {
        guard let host = status.host else { return false }
        return status.home.map { !host.goesOn(with: $0) } ?? true
    }

    /// True if Postgres has another entry under the number of the last one that Redis applied. A record without a mark does not tell.
    private var appliedAnotherEntry: Bool {
        guard let mark, let applied = status.controlMark, status.control != 0 else { return false }
        return mark != applied
    }

    /// True if Redis has settled an entry of this epoch that Postgres has not landed: Postgres went back in time. Once Postgres lands later
    /// entries, this cannot be seen any more.
    var hasSettledBeyondTheCursor: Bool {
        guard let cursor, let settled = status.settled, status.epoch == cursor.epoch else { return false }
        return settled > cursor.lastID
    }

    /// True if Postgres is older than this Redis, or another one, as after a backup was put back. Each of the values compared is in
    /// Postgres before it is in Redis. So none of these signs is seen unless Postgres went back.
    var postgresWentBack: Bool {
        guard let cursor else { return status.epoch != nil || status.begunEpoch != nil }
        if [status.epoch, status.begunEpoch].contains(where: { $0 ?? cursor.epoch > cursor.epoch }) { return true }
        if let applied = status.control, applied > 0, mark == nil { return true }
        return appliedAnotherEntry || hasSettledBeyondTheCursor
    }

    /// True if this Redis may have redemptions that neither Postgres nor an outbox has. A Redis that is only behind has none, since settled
    /// redemptions had landed: a promoted replica, an older append-only file. For the other reasons it is not known: a missing record tells
    /// nothing, and a store that somebody wrote to by hand may have anything.
    func mayHaveMoreThanPostgres(_ reason: RebuildReason) -> Bool {
        switch reason {
        case .behindCursor: postgresWentBack
        case .firstStart, .shardMissing, .layoutChanged, .moved, .otherEpoch, .aheadOfControl, .controlDiffers, .controlRefused,
            .controlUnreadable, .couponMissing, .tornFile, .operatorAsked:
            true
        }
    }

    /// True if the entries that Redis applied are those of Postgres's control log.
    var controlAgrees: Bool {
        guard let applied = status.control else { return false }
        return applied == 0 || (mark != nil && !appliedAnotherEntry)
    }

    /// The last entry of the control log that this Redis has surely applied: the sessions that it and the entries before it ended are gone.
    func revocationsKnown(to verdict: Verdict) -> Int {
        // After a torn file, a session that is in the part that came back may have been revoked since.
        controlAgrees && verdict != .rebuild(.tornFile) ? status.control ?? 0 : 0
    }

    /// True if the sessions of this Redis are of another time than the users in Postgres, so that none of them can be trusted. Sessions of
    /// an earlier time may have ended since. Sessions of a later time began with credentials that Postgres has forgotten: a revocation,
    /// which names a version of the credentials, would not end them.
    func hasSessionsOfAnotherTime(_ reason: RebuildReason) -> Bool {
        tellsOfAnEarlierRedis(reason) || (postgresWentBack && !controlAgrees)
    }

    /// True if an earlier state of Redis was put back. Sessions that have ended since, and refresh tokens that were rotated since, are
    /// valid in it again. Unlike revocations by operators, log-outs and rotations are in no log.
    private func tellsOfAnEarlierRedis(_ reason: RebuildReason) -> Bool {
        switch reason {
        case .behindCursor: true
        // Redis is of a later epoch if Postgres went back.
        case .otherEpoch: (status.epoch ?? Epoch(0)) < (cursor?.epoch ?? Epoch(0))
        // A rebuild that did not finish leaves no record, but it leaves the highest epoch begun.
        case .shardMissing: status.begunEpoch != cursor?.epoch
        // The record of another version is not read, but its outbox is under the same key as ours.
        case .layoutChanged:
            status.begunEpoch != cursor?.epoch || status.outboxLastID < cursor?.lastID ?? .zero
        // A key moves whole, once, and nothing is written to it on the way.
        case .firstStart, .moved, .aheadOfControl, .controlDiffers, .controlRefused, .controlUnreadable, .couponMissing,
            .tornFile,
            .operatorAsked:
            false
        }
    }
}
