public import Domain
internal import HotPath

/// What a comparison of Redis with the cursor says of a shard.
public enum Verdict: Hashable, Sendable {
    /// Redis has all that Postgres has, in the same epoch.
    case sound(Cursor)
    /// Redis lacks something, or is of another epoch.
    case rebuild(RebuildReason)
}

public enum RebuildReason: String, Hashable, Sendable, CaseIterable {
    /// Postgres has no cursor: the first start.
    case firstStart = "first_start"
    /// Redis has no shard record: empty, flushed, replaced, or a rebuild that did not finish.
    case shardMissing = "shard_missing"
    /// Redis is of another epoch than Postgres.
    case otherEpoch = "other_epoch"
    /// The outbox ends before the cursor: Redis went back in time.
    case behindCursor = "behind_cursor"
    /// The control log has fewer entries than Redis says it applied: Postgres went back in time.
    case aheadOfControl = "ahead_of_control"
    /// Redis cannot apply an operator's change: it lacks the coupon, or has one that should be new.
    case controlRefused = "control_refused"
    /// A coupon that Redis was told of is not there: somebody deleted it, or an owner that was stopped in the middle of a
    /// rebuild went on with it after its successor had opened the shard.
    case couponMissing = "coupon_missing"
    /// An operator had it rebuilt, by the control log.
    case operatorAsked = "operator_asked"
}

extension Verdict {
    /// Decides from what Postgres and Redis say. No I/O.
    static func compare(cursor: Cursor?, control: Int, status: ShardStatus) -> Verdict {
        guard let cursor else { return .rebuild(.firstStart) }
        guard let epoch = status.epoch, let applied = status.control else { return .rebuild(.shardMissing) }
        guard epoch == cursor.epoch else { return .rebuild(.otherEpoch) }
        guard status.outboxLastID >= cursor.lastID else { return .rebuild(.behindCursor) }
        guard applied <= control else { return .rebuild(.aheadOfControl) }
        return .sound(cursor)
    }
}

extension RebuildReason {
    /// Whether this Redis is one of an earlier time, put back: then sessions that have ended since, and refresh tokens that were
    /// exchanged since, are good in it again. Unlike revocations by operators, log-outs and exchanges are in no log.
    /// - Parameters:
    ///   - cursor: Postgres's, before the rebuild.
    ///   - status: Redis's. A rebuild that did not finish has left no shard record behind, and the highest epoch that was begun.
    func tellsOfAnEarlierRedis(cursor: Cursor?, status: ShardStatus) -> Bool {
        switch self {
        case .behindCursor: true
        // Of a later epoch it is where Postgres went back.
        case .otherEpoch: (status.epoch ?? Epoch(0)) < (cursor?.epoch ?? Epoch(0))
        case .shardMissing: status.begunEpoch != cursor?.epoch
        case .firstStart, .aheadOfControl, .controlRefused, .couponMissing, .operatorAsked: false
        }
    }
}
