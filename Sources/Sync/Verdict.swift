public import Domain

/// The result of comparing a shard in Redis with Postgres.
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
    /// A worker of an earlier version kept this Redis, which had its data in another form.
    case layoutChanged = "layout_changed"
    /// The shard was opened on another node of the cluster, and its slot has moved since.
    case moved
    /// Redis is of another epoch than Postgres.
    case otherEpoch = "other_epoch"
    /// The outbox ends before the cursor: Redis went back in time.
    case behindCursor = "behind_cursor"
    /// The control log lacks an entry that Redis says it applied: Postgres went back in time.
    case aheadOfControl = "ahead_of_control"
    /// The control log has another entry of the number that Redis applied last: Postgres went back in time, and operators went on.
    case controlDiffers = "control_differs"
    /// Redis cannot apply an operator's change: it lacks the coupon, or has one that should be new.
    case controlRefused = "control_refused"
    /// An entry of the control log cannot be read, or one before it is missing. What an entry tells is in the tables too, which a
    /// rebuild reads.
    case controlUnreadable = "control_unreadable"
    /// A coupon that Redis was told of is not there: somebody deleted it, or an owner that was stopped in the middle of a
    /// rebuild went on with it after its successor had opened the shard.
    case couponMissing = "coupon_missing"
    /// Redis has carried out a part of a transaction that had not taken place (`ShardStore.tornTransactions`).
    case tornFile = "torn_file"
    /// An operator asked for the rebuild, by the control log.
    case operatorAsked = "operator_asked"
}

extension RebuildReason {
    /// True if nobody has to find out why it came to this.
    var isExpected: Bool {
        switch self {
        case .firstStart, .layoutChanged, .operatorAsked, .moved: true
        case .shardMissing, .otherEpoch, .behindCursor, .aheadOfControl, .controlDiffers, .controlRefused, .controlUnreadable,
            .couponMissing, .tornFile:
            false
        }
    }
}
