public import Domain

/// A login to be recorded.
public struct NewSession: Sendable, Hashable {
    public let id: SessionID
    public let user: UserID
    public let role: Role
    public let username: String
    /// SHA-256 of the refresh token, 64 hexadecimal digits. The token itself is stored nowhere.
    public let refreshDigest: String
    /// What the client calls itself.
    public let device: String
    /// Where it came from.
    public let address: String

    public init(
        id: SessionID,
        user: UserID,
        role: Role,
        username: String,
        refreshDigest: String,
        device: String = "",
        address: String = ""
    ) {
        self.id = id
        self.user = user
        self.role = role
        self.username = username
        self.refreshDigest = refreshDigest
        self.device = device
        self.address = address
    }
}

public enum RefreshReply: Sendable, Hashable {
    case rotated(role: Role, username: String)
    case sessionNotFound
    /// The token was exchanged before. The session is deleted.
    case reused
}

/// The logins, each in its user's shard. `redeem.lua` asks for them too.
public struct SessionStore: Sendable {
    private let client: RedisClient
    private let shards: ShardMap
    private let stores: [ShardStore]

    init(client: RedisClient, shards: ShardMap) {
        self.client = client
        self.shards = shards
        stores = shards.shards.map { ShardStore(shard: $0, client: client) }
    }

    /// - Parameter idleLifetime: the session dies if it is not refreshed for so long.
    public func create(_ session: NewSession, idleLifetime: Duration) async throws(RedisError) -> CreateSessionReply {
        let reply = try await client.send(creation(of: session, idleLifetime))
        return try ShardStore.code(in: reply, of: .createSession)
    }

    /// The same for many sessions.
    public func createMany(_ sessions: [NewSession], idleLifetime: Duration) async throws(RedisError) -> [CreateSessionReply] {
        var codes: [CreateSessionReply] = []
        codes.reserveCapacity(sessions.count)
        for reply in try await stores[0].pipeline(sessions.map { creation(of: $0, idleLifetime) }) {
            codes.append(try ShardStore.code(in: reply, of: .createSession))
        }
        return codes
    }

    /// Exchanges a refresh token for the next one.
    /// - Parameters:
    ///   - presented: SHA-256 of the token that the client sent, 64 hexadecimal digits.
    ///   - next: the same of the token that it shall have.
    public func refresh(
        user: UserID,
        session: SessionID,
        presented: String,
        next: String,
        idleLifetime: Duration
    ) async throws(RedisError) -> RefreshReply {
        let arguments = [presented, next, milliseconds(idleLifetime)]
        let reply = try await client.send(Script.refreshSession.call(keys: keys(session, user), arguments: arguments))
        let values = reply.array ?? []
        let code: RefreshSessionCode = try ShardStore.code(in: values.first, of: .refreshSession)
        switch code {
        case .rotated:
            guard values.count == 3, let role = values[1].string.flatMap(Role.init(rawValue:)), let username = values[2].string
            else {
                throw RedisError.unexpected(reply, of: Script.refreshSession.rawValue)
            }
            return .rotated(role: role, username: username)
        case .sessionNotFound: return .sessionNotFound
        case .reused: return .reused
        }
    }

    /// Ends a login.
    /// - Returns: whether there was one.
    @discardableResult
    public func revoke(user: UserID, session: SessionID) async throws(RedisError) -> Bool {
        let reply = try await client.send(Script.revokeSession.call(keys: keys(session, user)))
        let code: RevokeSessionCode = try ShardStore.code(in: reply, of: .revokeSession)
        switch code {
        case .revoked: return true
        case .sessionNotFound: return false
        }
    }

    public func exists(user: UserID, session: SessionID) async throws(RedisError) -> Bool {
        try await client.send(["EXISTS", store(of: user).keys.session(session)]).integer == 1
    }

    private func creation(of session: NewSession, _ idleLifetime: Duration) -> [String] {
        Script.createSession.call(
            keys: keys(session.id, session.user),
            arguments: [
                milliseconds(idleLifetime), "user", session.user.description, "role", session.role.rawValue, "username",
                session.username, "refresh", session.refreshDigest, "device", session.device, "address", session.address,
            ]
        )
    }

    private func store(of user: UserID) -> ShardStore { stores[shards.shard(of: user).index] }

    private func keys(_ session: SessionID, _ user: UserID) -> [String] {
        let keys = store(of: user).keys
        return [keys.session(session), keys.sessions(user)]
    }

    private func milliseconds(_ duration: Duration) -> String { String(max(1, duration.milliseconds)) }
}
