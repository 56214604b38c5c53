// The codes that the scripts answer, an enum for each script. The raw values are the words in the scripts' headers; a test compares both.

/// `redeem.lua`, for each request.
public enum RedeemCode: String, CaseIterable, Sendable {
    case accepted
    case replayed
    case alreadyRedeemed = "already_redeemed"
    case soldOut = "sold_out"
    case insufficientCredit = "insufficient_credit"
    case wrongCode = "wrong_code"
    case tooManyAttempts = "too_many_attempts"
    case couponNotStarted = "coupon_not_started"
    case couponPaused = "coupon_paused"
    case couponEnded = "coupon_ended"
    case couponNotLoaded = "coupon_not_loaded"
    case userNotLoaded = "user_not_loaded"
    case sessionRevoked = "session_revoked"
    case backlogFull = "backlog_full"

    /// The letter of the reply that stands for this code.
    package var letter: UInt8 {
        switch self {
        case .accepted: UInt8(ascii: "a")
        case .replayed: UInt8(ascii: "r")
        case .alreadyRedeemed: UInt8(ascii: "d")
        case .soldOut: UInt8(ascii: "o")
        case .insufficientCredit: UInt8(ascii: "c")
        case .wrongCode: UInt8(ascii: "w")
        case .tooManyAttempts: UInt8(ascii: "l")
        case .couponNotStarted: UInt8(ascii: "n")
        case .couponPaused: UInt8(ascii: "p")
        case .couponEnded: UInt8(ascii: "e")
        case .couponNotLoaded: UInt8(ascii: "m")
        case .userNotLoaded: UInt8(ascii: "u")
        case .sessionRevoked: UInt8(ascii: "s")
        case .backlogFull: UInt8(ascii: "b")
        }
    }

    /// True if the reply has a value for this code.
    package var hasValue: Bool {
        switch self {
        case .replayed, .alreadyRedeemed, .tooManyAttempts, .couponNotStarted: true
        case .accepted, .soldOut, .insufficientCredit, .wrongCode, .couponPaused, .couponEnded, .couponNotLoaded, .userNotLoaded,
            .sessionRevoked, .backlogFull:
            false
        }
    }

    private static let byLetter: [RedeemCode?] = {
        var table = [RedeemCode?](repeating: nil, count: 256)
        for code in allCases { table[Int(code.letter)] = code }
        return table
    }()

    package init?(letter: UInt8) {
        guard let code = RedeemCode.byLetter[Int(letter)] else { return nil }
        self = code
    }
}

/// `load_user.lua`.
public enum LoadUserReply: String, CaseIterable, Sendable {
    case loaded
    /// The user's record in Redis is newer than any snapshot; nothing changed.
    case alreadyLoaded = "already_loaded"
    /// The snapshot is of another epoch than the shard: read it again, unless the shard is closed.
    case wrongEpoch = "wrong_epoch"
    /// The shard has applied control entries that the snapshot lacks: read it again.
    case staleSnapshot = "stale_snapshot"
}

/// `user_state.lua`.
enum UserStateCode: String, CaseIterable, Sendable {
    case loaded
    case userNotLoaded = "user_not_loaded"
}

/// `settle.lua`.
public enum SettleCode: String, CaseIterable, Sendable {
    case settled
    /// The outbox does not begin with that first entry, since it was settled before.
    case notFirst = "not_first"
    /// The shard is closed or of another epoch.
    case wrongEpoch = "wrong_epoch"
}

/// `apply_control.lua`.
public enum ApplyControlReply: String, CaseIterable, Sendable {
    case applied
    case alreadyApplied = "already_applied"
    /// The shard lacks an entry before this one.
    case gap
    /// The shard is closed or of another epoch.
    case wrongEpoch = "wrong_epoch"
    /// The entry changes a coupon that the shard does not have: Redis and Postgres differ, which a rebuild mends.
    case couponNotLoaded = "coupon_not_loaded"
    /// The entry creates a coupon that the shard has already, which a rebuild mends too.
    case couponAlreadyLoaded = "coupon_already_loaded"
    /// The sum would be above `Limits.amount`.
    case amountOutOfRange = "amount_out_of_range"
}

/// `create_session.lua`.
public enum CreateSessionCode: String, CaseIterable, Sendable {
    case created
    case sessionExists = "session_exists"
    case tooManySessions = "too_many_sessions"
}

/// `refresh_session.lua`.
public enum RefreshSessionCode: String, CaseIterable, Sendable {
    case rotated
    case repeated
    case sessionNotFound = "session_not_found"
    case reused = "refresh_token_reused"
}

/// `throttle.lua`.
enum ThrottleCode: String, CaseIterable, Sendable {
    case allowed
    case limited
    case refunded
}

/// `begin_epoch.lua`.
enum BeginEpochCode: String, CaseIterable, Sendable {
    case begun
}

/// `load_coupon.lua`.
enum LoadCouponCode: String, CaseIterable, Sendable {
    case loaded
}

/// `write_shard.lua`.
enum WriteShardCode: String, CaseIterable, Sendable {
    case written
}
