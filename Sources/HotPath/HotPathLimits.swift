import Domain

/// The limits of the redemption path.
public struct HotPathLimits: Sendable, Hashable {
    /// Requests in one call of `redeem.lua`, at most `redemptionsPerCallGreatest`.
    public var redemptionsPerCall = 64
    /// What `redeem.lua` takes and one outbox entry holds.
    public static let redemptionsPerCallGreatest = 64

    /// Calls of one coupon that one event loop has in flight. All but one of them are full.
    public var callsPerCoupon = 16

    /// Requests of one event loop that wait for a call before theirs to return. Beyond, they are refused at once; and also when
    /// they have waited for half the deadline of a command. What is not sent has surely not happened.
    public var waitingPerEventLoop = 16_384

    /// Entries of a shard's outbox, above which nothing more is accepted: Postgres has been away for long, and what waits for it
    /// lives in Redis's memory. Of one to `redemptionsPerCall` redemptions each; an entry of one takes some 150 bytes, each
    /// further redemption some 30.
    public var outboxEntries = 1_000_000

    /// Of Redis's `maxmemory`, above which nothing more is accepted: what is left is for settling the backlog, and for sessions.
    public var memoryShare = 0.9

    /// Replicas that must have acknowledged a redemption of durability `replicated` before it is answered.
    public var replicas = 1
    /// How long that may take; after it the outcome is unknown. Meanwhile nothing else of the connection is decided.
    public var replicationTimeout: Duration = .milliseconds(500)

    /// For how long Redis's answer that a coupon is sold out is given again without asking; zero: it never is. A restock may take as
    /// long to be seen.
    public var soldOutAge: Duration = .milliseconds(100)
    /// The most coupons of which that answer is kept.
    public var soldOutCoupons = 1024

    /// Wrong hidden codes within `wrongCodeWindow` that lock a user out for as long as the window.
    public var wrongCodes = Limits.wrongCodes
    public var wrongCodeWindow: Duration = .seconds(Limits.wrongCodeWindowSeconds)

    public init() {}
}
