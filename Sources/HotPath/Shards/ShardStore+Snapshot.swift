public import Domain
public import RedisClient

/// A shard at one moment, for a comparison with Postgres.
public struct ShardSnapshot: Sendable, Hashable {
    /// `nil`: the shard is closed, or this Redis is empty.
    public var epoch: Epoch?
    /// The last control entry that was applied.
    public var control: Int?
    /// The number of entries that left the outbox without being settled. `nil`: it is not known.
    public var missingEntries: Int?
    /// The last id that the outbox gave.
    public var lastID: StreamID
    /// All entries of the outbox, which are those not settled.
    public var entries: [OutboxEntry]
    /// The remaining uses of the coupons that were asked for and are loaded in the present epoch.
    public var left: [CouponID: Int]
    /// The terms of the same coupons.
    public var terms: [CouponID: CouponTerms]
    /// The users that were asked for and are loaded in the present epoch.
    public var users: [UserID: UserState]

    /// The last outbox entry that this snapshot has seen. Rows of its epoch beyond it landed later.
    public var position: Cursor { Cursor(epoch: epoch ?? Epoch(0), lastID: lastID) }
}

/// The terms by which Redis sells a coupon, as the fields of its key.
public struct CouponTerms: Sendable, Hashable {
    /// The fields by name: code, price, starts, ends, state.
    let fields: [String: String]

    static let names = ["code", "price", "starts", "ends", "state"]

    /// The names of the terms that differ from a coupon in Postgres.
    public func differences(from coupon: Coupon) -> [String] {
        var expected = coupon.scriptArguments
        // The stock that is left is not a term.
        expected.remove(at: 2)
        return zip(CouponTerms.names, expected).filter { fields[$0] != $1 }.map(\.0)
    }
}

/// A user in Redis.
public struct UserState: Sendable, Hashable {
    /// The credit that the user can spend. The credit held is in the outbox: it is the sum of the prices of the user's redemptions there.
    public var available: Int
    /// The last control entry that the user's credit is known to contain.
    public var control: Int
    public var redemptions: [CouponID: RedemptionID]
    /// Parts of the record that cannot be read as redemptions; or one text that stands for the whole record.
    public var unreadable: [String]

    fileprivate init(_ bytes: [UInt8]) {
        let record = UserRecord(bytes)
        available = record?.available ?? 0
        control = record?.control ?? 0
        redemptions = record?.redemptions ?? [:]
        unreadable = record?.unreadable ?? ["the record"]
    }
}

extension ShardStore {
    /// Reads the outbox, coupons and users in one transaction. Redis decides nothing else meanwhile, so ask for a few hundred users at a
    /// time.
    public func snapshot(coupons: [CouponID] = [], users: [UserID] = []) async throws(RedisError) -> ShardSnapshot {
        let commands =
            [
                ["HMGET", keys.shard, "epoch", "control", "trimmed"], ["XRANGE", keys.outbox, "-", "+"],
                ["XINFO", "STREAM", keys.outbox],
            ]
            + coupons.map { ["HMGET", keys.coupon($0), "epoch", "left"] + CouponTerms.names }
        let records: [RESPArgument] =
            [.text("HMGET"), .text(keys.users), .text(UserRecord.epochField)] + users.map { .bytes($0.uuid.bytes) }
        let transaction = [["MULTI"].asArguments] + commands.map(\.asArguments) + [records, ["EXEC"].asArguments]
        let reply =
            try await client.pipeline(to: redis, deadline: nil) { _ -> [[RESPArgument]] in transaction }.replies.last ?? .null
        guard let replies = reply.array, replies.count == commands.count + 1 else {
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
        let values = replies[3 + coupons.count].array ?? []
        if let epoch, values.first?.number == epoch.number {
            for (user, value) in zip(users, values.dropFirst()) { snapshot.users[user] = value.bytes.map(UserState.init) }
        }
        return snapshot
    }
}

extension ShardStore {
    /// Entries in the outbox, settled or not.
    public func outboxLength() async throws(RedisError) -> Int {
        try await send(["XLEN", keys.outbox]).integer ?? 0
    }

    /// Reads a part of all users in this Redis, of any epoch. Some may come twice. `next` is `nil` with the last part.
    /// - Parameter position: `next` of the part before; `nil`: the first part.
    public func scanUsers(_ position: String? = nil) async throws(RedisError) -> (users: [UserID], next: String?) {
        let (records, next) = try await scanRecords(position)
        return (records.map(\.user), next)
    }

    /// Reads a part of the users with their records.
    func scanRecords(
        _ position: String? = nil
    ) async throws(RedisError) -> (records: [(user: UserID, record: [UInt8])], next: String?) {
        let reply = try await send(["HSCAN", keys.users, position ?? "0", "COUNT", String(ShardStore.keysPerScan)])
        let page = try ScanPage(reply, of: "HSCAN")
        let found = page.found
        var records: [(user: UserID, record: [UInt8])] = []
        for index in stride(from: 0, to: found.count - 1, by: 2) {
            // The field `epoch` does not belong to a user.
            guard let user = found[index].bytes.flatMap({ UUIDv7(bytes: $0) }), let record = found[index + 1].bytes else {
                continue
            }
            records.append((UserID(uuid: user), record))
        }
        return (records, page.next == "0" ? nil : page.next)
    }
}
