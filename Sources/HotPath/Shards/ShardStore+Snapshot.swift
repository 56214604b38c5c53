public import Domain

/// A shard at one moment, for a comparison with Postgres.
public struct ShardSnapshot: Sendable, Hashable {
    /// `nil`: the shard is closed, or this Redis is empty.
    public var epoch: Epoch?
    /// The last control entry that was applied.
    public var control: Int?
    /// Entries that left the outbox otherwise than by being settled. `nil`: nobody has counted.
    public var missingEntries: Int?
    /// The last id that the outbox gave.
    public var lastID: StreamID
    /// All that the outbox held: what is not settled.
    public var entries: [OutboxEntry]
    /// Of the coupons asked for, those loaded in the present epoch, and what is left of them.
    public var left: [CouponID: Int]
    /// Of the same, what they are sold by.
    public var terms: [CouponID: CouponTerms]
    /// Of the users asked for, those loaded in the present epoch.
    public var users: [UserID: UserState]

    /// How far this snapshot has seen. Rows of its epoch beyond it landed later.
    public var position: Cursor { Cursor(epoch: epoch ?? Epoch(0), lastID: lastID) }
}

/// What a coupon in Redis is sold by, as the fields stand there.
public struct CouponTerms: Sendable, Hashable {
    /// By name: code, price, starts, ends, state.
    let fields: [String: String]

    static let names = ["code", "price", "starts", "ends", "state"]

    /// The names of those in which this differs from a coupon in Postgres.
    public func differences(from coupon: Coupon) -> [String] {
        var expected = coupon.scriptArguments
        // What is left is no term.
        expected.remove(at: 2)
        return zip(CouponTerms.names, expected).filter { fields[$0] != $1 }.map(\.0)
    }
}

/// A user in Redis.
public struct UserState: Sendable, Hashable {
    public var credit: Credit
    /// The last control entry that the user's credit is known to contain.
    public var control: Int
    public var redemptions: [CouponID: RedemptionID]
    /// Fields of redemptions that are none.
    public var unreadable: [String]
}

extension ShardStore {
    /// Reads the outbox, and coupons and users, in one transaction. It blocks Redis for the time it takes, so ask for some
    /// hundred users at a time.
    public func snapshot(coupons: [CouponID] = [], users: [UserID] = []) async throws(RedisError) -> ShardSnapshot {
        let commands =
            [
                ["HMGET", keys.shard, "epoch", "control", "trimmed"], ["XRANGE", keys.outbox, "-", "+"],
                ["XINFO", "STREAM", keys.outbox],
            ]
            + coupons.map { ["HMGET", keys.coupon($0), "epoch", "left"] + CouponTerms.names }
            + users.map { ["HGETALL", keys.user($0)] }
        let transaction = [["MULTI"]] + commands + [["EXEC"]]
        let reply = try await client.pipeline(to: redis, deadline: nil) { _ in transaction }.replies.last ?? .null
        guard let replies = reply.array, replies.count == commands.count else {
            if case .error(let message) = reply { throw RedisError(.serverError, message) }
            throw RedisError.unexpected(reply, of: "EXEC")
        }
        let shard = replies[0].array ?? []
        let epoch = shard.first?.number.map { Epoch($0) }
        var snapshot = ShardSnapshot(
            epoch: epoch,
            control: shard.dropFirst().first?.number,
            missingEntries: ShardStore.missingEntries(trimmed: shard.last?.number, outbox: replies[2].dictionary),
            lastID: replies[2].dictionary["last-generated-id"]?.string.flatMap { StreamID($0) } ?? .zero,
            entries: [],
            left: [:],
            terms: [:],
            users: [:]
        )
        for read in try ShardStore.outboxReads(replies[1].array ?? [], of: "XRANGE") {
            if case .entry(let entry) = read { snapshot.entries.append(entry) }
        }
        for (coupon, reply) in zip(coupons, replies[3...]) {
            guard let values = reply.array, values.count == 2 + CouponTerms.names.count, values[0].number == epoch?.number
            else { continue }
            snapshot.left[coupon] = values[1].number
            let fields = zip(CouponTerms.names, values[2...]).compactMap { name, value in value.string.map { (name, $0) } }
            snapshot.terms[coupon] = CouponTerms(fields: Dictionary(uniqueKeysWithValues: fields))
        }
        for (user, reply) in zip(users, replies[(3 + coupons.count)...]) {
            let fields = reply.dictionary
            guard let epoch, fields["epoch"]?.number == epoch.number else { continue }
            snapshot.users[user] = UserState(fields)
        }
        return snapshot
    }
}

extension ShardStore {
    /// Entries in the outbox, settled or not.
    public func outboxLength() async throws(RedisError) -> Int {
        try await send(["XLEN", keys.outbox]).integer ?? 0
    }

    /// A part of all users that have a key here, of whatever epoch; some may come twice. `nil` in the answer: that was the last.
    /// - Parameter position: what the part before it answered.
    public func scanUsers(_ position: String? = nil) async throws(RedisError) -> (users: [UserID], next: String?) {
        let (names, next) = try await scan(position ?? "0", keys.userPrefix)
        return (names.compactMap { UserID(String($0.dropFirst(keys.userPrefix.count))) }, next == "0" ? nil : next)
    }
}

extension UserState {
    fileprivate init(_ fields: [String: RESPValue]) {
        credit = Credit(available: fields["credit"]?.number ?? 0, held: fields["held"]?.number ?? 0)
        control = fields["control"]?.number ?? 0
        redemptions = [:]
        unreadable = []
        for (name, value) in fields where name.hasPrefix("r:") {
            if let coupon = CouponID(String(name.dropFirst(2))), let id = value.string.flatMap({ RedemptionID($0) }) {
                redemptions[coupon] = id
            } else {
                unreadable.append(name)
            }
        }
    }
}
