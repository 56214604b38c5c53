public import Domain

/// A shard at one moment, for a comparison with Postgres.
public struct ShardSnapshot: Sendable, Hashable {
    /// `nil`: the shard is closed, or this Redis is empty.
    public var epoch: Epoch?
    /// The last control entry that was applied.
    public var control: Int?
    /// The last id that the outbox gave.
    public var lastID: StreamID
    /// All that the outbox held: what is not settled.
    public var entries: [OutboxEntry]
    /// Of the coupons asked for, those loaded in the present epoch, and what is left of them.
    public var left: [CouponID: Int]
    /// Of the users asked for, those loaded in the present epoch.
    public var users: [UserID: UserState]

    /// How far this snapshot has seen. Rows of its epoch beyond it landed later.
    public var position: Cursor { Cursor(epoch: epoch ?? Epoch(0), lastID: lastID) }
}

/// A user in Redis.
public struct UserState: Sendable, Hashable {
    public var credit: Credit
    /// The last control entry that the user's credit is known to contain.
    public var control: Int
    public var redemptions: [CouponID: RedemptionID]
}

extension ShardStore {
    /// Reads the outbox, and coupons and users, in one transaction. It blocks Redis for the time it takes, so ask for some
    /// hundred users at a time.
    public func snapshot(coupons: [CouponID] = [], users: [UserID] = []) async throws(RedisError) -> ShardSnapshot {
        let commands =
            [["HMGET", keys.shard, "epoch", "control"], ["XRANGE", keys.outbox, "-", "+"], ["XINFO", "STREAM", keys.outbox]]
            + coupons.map { ["HMGET", keys.coupon($0), "epoch", "left"] }
            + users.map { ["HGETALL", keys.user($0)] }
        let reply = try await client.pipeline([["MULTI"]] + commands + [["EXEC"]], to: redis).last ?? .null
        guard let replies = reply.array, replies.count == commands.count else {
            if case .error(let message) = reply { throw RedisError(.serverError, message) }
            throw RedisError.unexpected(reply, of: "EXEC")
        }
        let shard = replies[0].array ?? []
        let epoch = shard.first?.number.map { Epoch($0) }
        var snapshot = ShardSnapshot(
            epoch: epoch,
            control: shard.last?.number,
            lastID: replies[2].dictionary["last-generated-id"]?.string.flatMap { StreamID($0) } ?? .zero,
            entries: [],
            left: [:],
            users: [:]
        )
        for read in try ShardStore.outboxReads(replies[1].array ?? [], of: "XRANGE") {
            if case .entry(let entry) = read { snapshot.entries.append(entry) }
        }
        for (coupon, reply) in zip(coupons, replies[3...]) {
            guard let values = reply.array, values.count == 2, values[0].number == epoch?.number else { continue }
            snapshot.left[coupon] = values[1].number
        }
        for (user, reply) in zip(users, replies[(3 + coupons.count)...]) {
            let fields = reply.dictionary
            guard let epoch, fields["epoch"]?.number == epoch.number else { continue }
            snapshot.users[user] = UserState(fields)
        }
        return snapshot
    }
}

extension UserState {
    fileprivate init(_ fields: [String: RESPValue]) {
        credit = Credit(available: fields["credit"]?.number ?? 0, held: fields["held"]?.number ?? 0)
        control = fields["control"]?.number ?? 0
        redemptions = [:]
        for (name, value) in fields where name.hasPrefix("r:") {
            if let coupon = CouponID(String(name.dropFirst(2))), let id = value.string.flatMap({ RedemptionID($0) }) {
                redemptions[coupon] = id
            }
        }
    }
}
