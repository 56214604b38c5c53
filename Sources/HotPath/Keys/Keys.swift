public import Domain

/// The keys of one shard. All of them have the shard's hash tag, so that one script can touch any of them, in Redis Cluster too.
public struct Keys: Hashable, Sendable {
    /// HASH: epoch, control, mark (when Postgres wrote that entry of the control log, µs), trimmed (entries that left the outbox because
    /// they were settled), settled (the last of them); in a cluster also node, node_epoch and history (`ShardHome`).
    public let shard: String
    /// STREAM: an entry for each call of `redeem.lua` that accepted something.
    public let outbox: String
    /// STRING: the highest epoch that was begun in this Redis. Unlike the shard's record it outlives a closed shard.
    public let fence: String
    /// HASH: `epoch`, and each user's record (`UserRecord`) under the 16 bytes of the user's id. It is of the highest epoch that was begun.
    public let users: String
    /// STRING: keeps away workers of earlier versions, which have the shard's record under this key (begin_epoch.lua).
    public let earlierShard: String
    /// The beginnings of keys that have an id at their end.
    let couponPrefix: String
    /// The keys of users of earlier versions begin so, a HASH each.
    package let earlierUserPrefix: String
    package let sessionPrefix: String
    let sessionsPrefix: String
    let loginsPrefix: String

    public init(_ shard: Shard) {
        self.shard = "\(shard.tag):record"
        outbox = "\(shard.tag):outbox"
        fence = "\(shard.tag):fence"
        users = "\(shard.tag):users"
        earlierShard = "\(shard.tag):shard"
        couponPrefix = "\(shard.tag):coupon:"
        earlierUserPrefix = "\(shard.tag):user:"
        sessionPrefix = "\(shard.tag):session:"
        sessionsPrefix = "\(shard.tag):sessions:"
        loginsPrefix = "\(shard.tag):logins:"
    }

    /// HASH: epoch, code, price, left, starts, ends, state.
    public func coupon(_ id: CouponID) -> String { couponPrefix + id.description }

    /// HASH with a lifetime: user, role, version (of the credentials), device, address, created, used, ends (when the
    /// absolute lifetime does), refresh (digest of the current token); once refreshed also previous (digest of the token before),
    /// sealed, rotated (when).
    public func session(_ id: SessionID) -> String { sessionPrefix + id.description }

    /// ZSET: the ids of a user's sessions, by expiry.
    public func sessions(_ id: UserID) -> String { sessionsPrefix + id.description }

    /// STRING with a lifetime: the moment at which the rate of failed logins, of a username or from an address, is unused again (ms).
    func loginsByUsername(_ digest: String) -> String { loginsPrefix + "username:" + digest }
    func loginsByAddress(_ address: String) -> String { loginsPrefix + "address:" + address }
}
