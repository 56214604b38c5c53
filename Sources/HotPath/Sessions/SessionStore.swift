public import Domain
import LuaScripts
public import RedisClient

/// The sessions in Redis, each in its user's shard. `redeem.lua` looks for them too.
///
/// `SessionStore+Ending` lists and ends them.
public struct SessionStore: Sendable {
    let shards: ShardMap
    let stores: [ShardStore]

    init(client: any RedisCommands, shards: ShardMap) {
        self.init(shards: shards, stores: shards.shards.map { ShardStore(shard: $0, client: client) })
    }

    private init(shards: ShardMap, stores: [ShardStore]) {
        self.shards = shards
        self.stores = stores
    }

    /// The same store, for one Redis alone; see `ShardStore.pinned`.
    public func pinned(to redis: ReplicationID) -> SessionStore {
        SessionStore(shards: shards, stores: stores.map { $0.pinned(to: redis) })
    }

    func send(_ command: [String]) async throws(RedisError) -> RESPValue { try await stores[0].send(command) }

    /// Records a login. If the user has as many sessions as allowed, the one that would expire first ends.
    public func create(_ session: NewSession, _ limits: SessionLimits) async throws(RedisError) -> CreateSessionCode {
        // Other logins can take the room that was made.
        for _ in 0...SessionStore.evictions {
            let values = try await send(creation(of: session, limits)).array ?? []
            let code: CreateSessionCode = try ShardStore.code(in: values.first, of: .createSession)
            switch code {
            case .created, .sessionExists: return code
            case .tooManySessions:
                try await end([session.user: values.dropFirst().compactMap { $0.string.flatMap { SessionID($0) } }])
            }
        }
        return .tooManySessions
    }

    private static let evictions = 3

    /// Records many logins, each of another user.
    public func createMany(_ sessions: [NewSession], _ limits: SessionLimits) async throws(RedisError) -> [CreateSessionCode] {
        var codes: [CreateSessionCode] = []
        codes.reserveCapacity(sessions.count)
        for reply in try await stores[0].pipeline(sessions.map { creation(of: $0, limits) }) {
            codes.append(try ShardStore.code(in: reply.array?.first, of: .createSession))
        }
        return codes
    }

    /// Rotates a refresh token: exchanges the presented one for the next, as `refresh_session.lua` says.
    /// - Parameter presented: SHA-256 of the token that the client sent, 64 hexadecimal digits. This service must have issued it:
    ///   a token that is neither the current one nor the one before is taken for stolen.
    public func refresh(
        user: UserID,
        session: SessionID,
        presented: String,
        next: NextRefreshToken,
        _ limits: SessionLimits
    ) async throws(RedisError) -> RefreshReply {
        let keys = keys(of: user)
        let call = Script.refreshSession.call(
            keys: [keys.session(session), keys.sessions(user)],
            arguments: [
                presented, next.digest, next.sealed, milliseconds(limits.idle), String(max(0, limits.grace.milliseconds)),
            ]
        )
        let values = try await send(call).array ?? []
        let code: RefreshSessionCode = try ShardStore.code(in: values.first, of: .refreshSession)
        let texts = values.dropFirst().map { $0.string ?? "" }
        switch (code, texts.first.flatMap(Role.init(rawValue:)), texts.count) {
        case (.rotated, let role?, 1): return .rotated(role)
        case (.repeated, let role?, 2): return .repeated(role, sealed: texts[1])
        case (.sessionNotFound, _, _): return .sessionNotFound
        case (.reused, _, _): return .reused
        case (.rotated, _, _), (.repeated, _, _):
            throw RedisError.unexpected(.array(values), of: Script.refreshSession.rawValue)
        }
    }

    /// True if the session exists, and is this user's in this role. `redeem.lua` only looks whether it exists.
    public func isLive(_ session: SessionID, of user: UserID, as role: Role) async throws(RedisError) -> Bool {
        let values = try await send(["HMGET", keys(of: user).session(session), "user", "role"]).array ?? []
        return values.map(\.string) == [user.description, role.rawValue]
    }

    private func creation(of session: NewSession, _ limits: SessionLimits) -> [String] {
        let keys = keys(of: session.user)
        return Script.createSession.call(
            keys: [keys.session(session.id), keys.sessions(session.user)],
            arguments: [
                milliseconds(limits.idle), milliseconds(limits.absolute), String(limits.perUser),
                "user", session.user.description, "role", session.role.rawValue, "version", String(session.version),
                "refresh", session.refreshDigest, "device", session.device, "address", session.address,
            ]
        )
    }

    func keys(of user: UserID) -> Keys { stores[shards.shard(of: user).index].keys }

    private func milliseconds(_ duration: Duration) -> String { String(max(1, duration.milliseconds)) }
}
