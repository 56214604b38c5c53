import Domain

/// The limits of the redemption path.
public struct HotPathLimits: Sendable, Hashable {
    /// Requests in one call of `redeem.lua`, at most `redemptionsPerCallGreatest`.
    public var redemptionsPerCall = 64
    /// The most requests that a call of `redeem.lua` takes, and redemptions that an outbox entry holds.
    public static let redemptionsPerCallGreatest = 64

    /// The most calls of one coupon that one event loop has in flight.
    public var callsPerCoupon = 16

    /// The most requests of one event loop that wait to be sent. Further ones are refused at once, and so are those that have waited for
    /// half the deadline of a command. A request that was not sent has surely not been accepted.
    public var waitingPerEventLoop = 16_384

    /// The entries that a shard's outbox may have; with as many, nothing more is accepted. So many wait only if Postgres has been away for
    /// long, and they take Redis's memory. An entry has one to `redemptionsPerCall` redemptions: the first takes about 150 bytes, each
    /// further one about 30.
    public var outboxEntries = 1_000_000

    /// The share of Redis's `maxmemory` above which nothing more is accepted. The rest is for settling the backlog, and for sessions.
    public var memoryShare = 0.9

    /// The number of replicas that must acknowledge a redemption of durability `replicated` before it is answered.
    public var replicas = 1
    /// How long the replicas may take; then the outcome is unknown. Meanwhile Redis decides nothing else from that connection.
    public var replicationTimeout: Duration = .milliseconds(500)

    /// For how long Redis's answer that a coupon is sold out is given again without asking; zero: it never is. A restock may take as
    /// long to be seen.
    public var soldOutAge: Duration = .milliseconds(100)
    /// The most coupons of which that answer is kept.
    public var soldOutCoupons = 1024

    /// The number of wrong hidden codes within `wrongCodeWindow` that locks a user out, for as long as the window.
    public var wrongCodes = Limits.wrongCodes
    public var wrongCodeWindow: Duration = .seconds(Limits.wrongCodeWindowSeconds)

    public init() {}
}
