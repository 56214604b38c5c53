public import Domain

extension ShardStore {
    /// Takes a user over from Postgres, as `load_user.lua` says.
    public func loadUser(_ snapshot: UserSnapshot) async throws(RedisError) -> LoadUserReply {
        let keys = [keys.shard, keys.user(snapshot.user)]
        return try await call(.loadUser, keys: keys, arguments: snapshot.arguments, as: LoadUserReply.self)
    }

    /// The same for many users, each by itself: what one of them gets tells nothing of the next.
    public func loadUsers(_ snapshots: [UserSnapshot]) async throws(RedisError) -> [LoadUserReply] {
        let replies = try await pipeline(
            snapshots.map { Script.loadUser.call(keys: [keys.shard, keys.user($0.user)], arguments: $0.arguments) }
        )
        var codes: [LoadUserReply] = []
        codes.reserveCapacity(replies.count)
        for reply in replies { codes.append(try ShardStore.code(in: reply, of: .loadUser)) }
        return codes
    }

    /// `nil`: the user is not loaded in the shard's present epoch.
    public func credit(of user: UserID) async throws(RedisError) -> Credit? {
        let command = Script.userState.call(keys: [keys.shard, keys.user(user)], arguments: ["credit"])
        return try ShardStore.state(in: try await send(command))?.credit
    }

    /// The credit of those users that are loaded in the shard's present epoch.
    public func credits(of users: [UserID]) async throws(RedisError) -> [UserID: Credit] {
        let commands = users.map { Script.userState.call(keys: [keys.shard, keys.user($0)], arguments: ["credit"]) }
        var credits: [UserID: Credit] = [:]
        for (user, reply) in zip(users, try await pipeline(commands)) {
            credits[user] = try ShardStore.state(in: reply)?.credit
        }
        return credits
    }

    /// What the user redeemed, settled or not. `nil`: the user is not loaded in the shard's present epoch.
    public func redemptions(of user: UserID) async throws(RedisError) -> [CouponID: RedemptionID]? {
        let command = Script.userState.call(keys: [keys.shard, keys.user(user)], arguments: ["redemptions"])
        return try ShardStore.state(in: try await send(command))?.redemptions
    }

    private static func state(
        in reply: RESPValue
    ) throws(RedisError) -> (credit: Credit, redemptions: [CouponID: RedemptionID])? {
        let values = reply.array ?? []
        let code: UserStateCode = try code(in: values.first, of: .userState)
        switch code {
        case .userNotLoaded:
            return nil
        case .loaded:
            guard values.count >= 3, values.count % 2 == 1, let available = values[1].number, let held = values[2].number else {
                throw RedisError.unexpected(reply, of: Script.userState.rawValue)
            }
            var redemptions: [CouponID: RedemptionID] = [:]
            for index in stride(from: 3, to: values.count, by: 2) {
                guard let coupon = values[index].string.flatMap({ CouponID($0) }),
                    let id = values[index + 1].string.flatMap({ RedemptionID($0) })
                else { throw RedisError.unexpected(reply, of: Script.userState.rawValue) }
                redemptions[coupon] = id
            }
            return (Credit(available: available, held: held), redemptions)
        }
    }
}

extension UserSnapshot {
    fileprivate var arguments: [String] {
        [String(epoch.number), String(balance), String(control)]
            + redemptions.flatMap { [$0.key.description, $0.value.description] }
    }
}
