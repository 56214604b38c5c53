/// An entry of the control log: a change by an operator that Redis must follow. It is durable in Postgres first, and is applied to Redis
/// exactly once, in the order of `sequence`.
public struct ControlEntry: Hashable, Sendable {
    /// From 1, without a gap.
    public let sequence: Int
    public let change: ControlChange

    public init(sequence: Int, change: ControlChange) {
        self.sequence = sequence
        self.change = change
    }
}

public enum ControlChange: Hashable, Sendable {
    case couponCreated(Coupon)
    case couponState(CouponID, Coupon.State)
    /// Adds `amount` (at least 1) to the coupon's total and to what is left.
    case couponRestocked(CouponID, amount: Int)
    /// Adds `amount` (at least 1) to the user's credit.
    case creditGranted(UserID, amount: Int)
    /// Ends the sessions that a user began with credentials older than `version`.
    case userSessionsRevoked(UserID, below: Int)
    /// Ends everybody's sessions that began before a moment.
    case sessionsRevoked(before: Timestamp)
    /// Gives back what Redis took for a redemption that was in quarantine: credit, one use, and the right to redeem again.
    case redemptionDropped(Redemption)
    /// The shard's owner rebuilds Redis from Postgres.
    case shardRebuild(Shard)

    /// The name in `control_log.kind`.
    public var kind: Kind {
        switch self {
        case .couponCreated: .couponCreated
        case .couponState: .couponState
        case .couponRestocked: .couponRestocked
        case .creditGranted: .creditGranted
        case .userSessionsRevoked: .userSessionsRevoked
        case .sessionsRevoked: .sessionsRevoked
        case .redemptionDropped: .redemptionDropped
        case .shardRebuild: .shardRebuild
        }
    }

    public enum Kind: String, Sendable, CaseIterable {
        case couponCreated = "coupon_created"
        case couponState = "coupon_state"
        case couponRestocked = "coupon_restocked"
        case creditGranted = "credit_granted"
        case userSessionsRevoked = "user_sessions_revoked"
        case sessionsRevoked = "sessions_revoked"
        case redemptionDropped = "redemption_dropped"
        case shardRebuild = "shard_rebuild"
    }
}
