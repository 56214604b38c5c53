public import Domain
import LuaScripts
public import RedisClient

extension ShardStore {
    /// Loads a user from Postgres, as `load_user.lua` says.
    public func loadUser(_ snapshot: UserSnapshot) async throws(RedisError) -> LoadUserReply {
        try await call(.loadUser, keys: [keys.shard, keys.users], arguments: snapshot.arguments, as: LoadUserReply.self)
    }

    /// Loads many users, each by itself: the reply for one tells nothing of the next.
    public func loadUsers(_ snapshots: [UserSnapshot]) async throws(RedisError) -> [LoadUserReply] {
        let replies = try await pipeline(
            snapshots.map { Script.loadUser.call(keys: [keys.shard, keys.users], arguments: $0.arguments) }
        )
        var codes: [LoadUserReply] = []
        codes.reserveCapacity(replies.count)
        for reply in replies { codes.append(try ShardStore.code(in: reply, of: .loadUser)) }
        return codes
    }

    /// The user's credit. Available credit is exact; held credit is counted in at most `heldEntryLimit` entries of the outbox.
    /// `nil`: the user is not loaded in the shard's present epoch.
    public func credit(of user: UserID) async throws(RedisError) -> Credit? {
        try ShardStore.credit(in: try await send(state(of: user, "credit")))
    }

    /// The credit of those users that are loaded in the shard's present epoch.
    public func credits(of users: [UserID]) async throws(RedisError) -> [UserID: Credit] {
        var credits: [UserID: Credit] = [:]
        for (user, reply) in zip(users, try await pipeline(users.map { state(of: $0, "credit") })) {
            credits[user] = try ShardStore.credit(in: reply)
        }
        return credits
    }

    /// The user's redemptions, settled or not. `nil`: the user is not loaded in the shard's present epoch.
    public func redemptions(of user: UserID) async throws(RedisError) -> [CouponID: RedemptionID]? {
        let reply = try await send(state(of: user, "redemptions"))
        guard let values = try ShardStore.state(in: reply) else { return nil }
        var redemptions: [CouponID: RedemptionID] = [:]
        for index in stride(from: values.startIndex, to: values.endIndex - 1, by: 2) {
            guard let coupon = values[index].string.flatMap({ CouponID($0) }),
                let id = values[index + 1].string.flatMap({ UUIDv7(base64URL: $0.utf8) })
            else { throw RedisError.unexpected(reply, of: Script.userState.rawValue) }
            redemptions[coupon] = RedemptionID(uuid: id)
        }
        return redemptions
    }

    private func state(of user: UserID, _ what: String) -> [RESPArgument] {
        Script.userState.call(
            keys: [keys.shard, keys.users, keys.outbox],
            arguments: [.text(what), .bytes(user.uuid.bytes), .text(String(ShardStore.heldEntryLimit))]
        )
    }

    /// The most entries of the outbox that one read of a user's credit looks at, in some milliseconds of Redis's time. Usually these are a
    /// few, those of the milliseconds in which the user redeemed a coupon.
    static let heldEntryLimit = 1_000

    private static func credit(in reply: RESPValue) throws(RedisError) -> Credit? {
        guard let values = try state(in: reply) else { return nil }
        guard values.count == 2, let available = values[1].number, let held = values[2].number else {
            throw RedisError.unexpected(reply, of: Script.userState.rawValue)
        }
        return Credit(available: available, held: held)
    }

    /// The values behind the code. `nil`: the user is not loaded.
    private static func state(in reply: RESPValue) throws(RedisError) -> ArraySlice<RESPValue>? {
        let values = reply.array ?? []
        let code: UserStateCode = try code(in: values.first, of: .userState)
        switch code {
        case .userNotLoaded: return nil
        case .loaded: return values.dropFirst()
        }
    }
}

extension UserSnapshot {
    fileprivate var arguments: [RESPArgument] {
        [.text(String(epoch.number)), .text(String(balance)), .text(String(control)), .bytes(user.uuid.bytes)]
            + redemptions.flatMap { [.text($0.key.description), .text($0.value.uuid.base64URL)] }
    }
}
