internal import Domain
internal import HotPath

/// What Postgres and Redis say of one shard, side by side. No I/O.
struct ShardComparison: Hashable, Sendable {
    /// Postgres's.
    let cursor: Cursor?
    let status: ShardStatus
    /// When Postgres wrote the entry of the control log that Redis applied last; `nil`: it has no such entry.
    let mark: Int?

    var verdict: Verdict {
        guard let cursor else { return .rebuild(.firstStart) }
        guard status.layout != .earlier else { return .rebuild(.layoutChanged) }
        guard let epoch = status.epoch, let applied = status.control else { return .rebuild(.shardMissing) }
        // Somebody took away what keeps workers of earlier versions off: one of them, cut off before it wrote its own record.
        guard status.layout == .current else { return .rebuild(.layoutChanged) }
        guard epoch == cursor.epoch else { return .rebuild(.otherEpoch) }
        guard status.outboxLastID >= cursor.lastID else { return .rebuild(.behindCursor) }
        guard applied == 0 || mark != nil else { return .rebuild(.aheadOfControl) }
        guard !appliedAnotherEntry else { return .rebuild(.controlDiffers) }
        return .sound(cursor)
    }

    /// Without a mark there is no record.
    private var appliedAnotherEntry: Bool {
        guard let mark, let applied = status.controlMark, status.control != 0 else { return false }
        return mark != applied
    }

    /// Redis has settled what Postgres has not landed, in one epoch: Postgres went back in time. Once it lands again this is not seen
    /// any more.
    var hasSettledBeyondTheCursor: Bool {
        guard let cursor, let settled = status.settled, status.epoch == cursor.epoch else { return false }
        return settled > cursor.lastID
    }

    /// Whether Postgres is older than this Redis, or another one: a backup was put back. Each of these is in Postgres before it is
    /// in Redis, so while time goes on in both, none is ever seen.
    var postgresWentBack: Bool {
        guard let cursor else { return status.epoch != nil || status.begunEpoch != nil }
        if [status.epoch, status.begunEpoch].contains(where: { $0 ?? cursor.epoch > cursor.epoch }) { return true }
        if let applied = status.control, applied > 0, mark == nil { return true }
        return appliedAnotherEntry || hasSettledBeyondTheCursor
    }

    /// Whether this Redis may have redemptions that Postgres lacks and that no outbox has. What was settled had landed, so in a Redis
    /// that only is behind there are none: a replica that was promoted, an older append-only file. For the other reasons nobody
    /// knows: a record that is not there tells nothing, and where a store was written to by hand anything may be.
    func mayHaveMoreThanPostgres(_ reason: RebuildReason) -> Bool {
        switch reason {
        case .behindCursor: postgresWentBack
        case .firstStart, .shardMissing, .layoutChanged, .otherEpoch, .aheadOfControl, .controlDiffers, .controlRefused,
            .controlUnreadable, .couponMissing, .tornFile, .operatorAsked:
            true
        }
    }

    /// What Redis applied of the control log is what Postgres has in it.
    var controlAgrees: Bool {
        guard let applied = status.control else { return false }
        return applied == 0 || (mark != nil && !appliedAnotherEntry)
    }

    /// The last entry of the control log that this Redis has surely applied, so that no session is left of those that it ended.
    func revocationsKnown(to verdict: Verdict) -> Int {
        // A session that began or went on in the part that came back may have been revoked since.
        controlAgrees && verdict != .rebuild(.tornFile) ? status.control ?? 0 : 0
    }

    /// Whether the sessions of this Redis are of another time than the users in Postgres, so that none of them can be trusted.
    /// Of an earlier time: they may have ended since. Of a later one: they began with credentials that Postgres has forgotten,
    /// and a revocation, which names a version of the credentials, would not end them.
    func hasSessionsOfAnotherTime(_ reason: RebuildReason) -> Bool {
        tellsOfAnEarlierRedis(reason) || (postgresWentBack && !controlAgrees)
    }

    /// Whether this Redis is one of an earlier time, put back: then sessions that have ended since, and refresh tokens that were
    /// exchanged since, are good in it again. Unlike revocations by operators, log-outs and exchanges are in no log.
    private func tellsOfAnEarlierRedis(_ reason: RebuildReason) -> Bool {
        switch reason {
        case .behindCursor: true
        // Of a later epoch it is where Postgres went back.
        case .otherEpoch: (status.epoch ?? Epoch(0)) < (cursor?.epoch ?? Epoch(0))
        // A rebuild that did not finish has left no record behind, and the highest epoch that was begun.
        case .shardMissing: status.begunEpoch != cursor?.epoch
        // Its record is not read, but the end of its outbox is where it always was.
        case .layoutChanged:
            status.begunEpoch != cursor?.epoch || status.outboxLastID < cursor?.lastID ?? .zero
        case .firstStart, .aheadOfControl, .controlDiffers, .controlRefused, .controlUnreadable, .couponMissing, .tornFile,
            .operatorAsked:
            false
        }
    }
}
