public import Domain

/// The logins, each in its user's shard. `redeem.lua` asks for them too.
///
/// `SessionStore+Ending` lists and ends them.
public struct SessionStore: Sendable {
    let client: RedisClient
    let shards: ShardMap
    private let stores: [ShardStore]

    init(client: RedisClient, shards: ShardMap) {
        self.client = client
        self.shards = shards
        stores = shards.shards.map { ShardStore(shard: $0, client: client) }
    }

    /// Records a login. A user who has as many as there may be loses the one that would expire first.
    public func create(_ session: NewSession, _ limits: SessionLimits) async throws(RedisError) -> CreateSessionCode {
        // Logins beside this one can take the room that was made.
        for _ in 0...SessionStore.evictions {
            let values = try await client.send(creation(of: session, limits)).array ?? []
            let code: CreateSessionCode = try ShardStore.code(in: values.first, of: .createSession)
            switch code {
            case .created, .sessionExists: return code
            case .tooManySessions:
                guard values.count == 2, let oldest = values[1].string.flatMap({ SessionID($0) }) else {
                    throw RedisError.unexpected(.array(values), of: Script.createSession.rawValue)
                }
                try await end([oldest], of: session.user)
            }
        }
        return .tooManySessions
    }

    private static let evictions = 3

    /// The same for many sessions, each of another user.
    public func createMany(_ sessions: [NewSession], _ limits: SessionLimits) async throws(RedisError) -> [CreateSessionCode] {
        var codes: [CreateSessionCode] = []
        codes.reserveCapacity(sessions.count)
        for reply in try await stores[0].pipeline(sessions.map { creation(of: $0, limits) }) {
            codes.append(try ShardStore.code(in: reply.array?.first, of: .createSession))
        }
        return codes
    }

    /// Exchanges a refresh token for the next one, as `refresh_session.lua` says.
    /// - Parameter presented: SHA-256 of the token that the client sent, 64 hexadecimal digits. It must be one of ours: one that
    ///   is neither current nor the one before is taken for stolen.
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
        let values = try await client.send(call).array ?? []
        let code: RefreshSessionCode = try ShardStore.code(in: values.first, of: .refreshSession)
        var texts = values.dropFirst().compactMap(\.string)[...]
        let role = texts.popFirst().flatMap(Role.init(rawValue:))
        let username = texts.popFirst()
        switch (code, role, username, texts.popFirst()) {
        case (.rotated, let role?, let username?, nil): return .rotated(role: role, username: username)
        case (.repeated, let role?, let username?, let sealed?):
            return .repeated(role: role, username: username, sealed: sealed)
        case (.sessionNotFound, _, _, _): return .sessionNotFound
        case (.reused, _, _, _): return .reused
        case (.rotated, _, _, _), (.repeated, _, _, _):
            throw RedisError.unexpected(.array(values), of: Script.refreshSession.rawValue)
        }
    }

    public func exists(user: UserID, session: SessionID) async throws(RedisError) -> Bool {
        try await client.send(["EXISTS", keys(of: user).session(session)]).integer == 1
    }

    private func creation(of session: NewSession, _ limits: SessionLimits) -> [String] {
        let keys = keys(of: session.user)
        return Script.createSession.call(
            keys: [keys.session(session.id), keys.sessions(session.user)],
            arguments: [
                milliseconds(limits.idle), milliseconds(limits.absolute), String(limits.perUser),
                "user", session.user.description, "role", session.role.rawValue, "username", session.username,
                "version", String(session.version), "refresh", session.refreshDigest, "device", session.device, "address",
                session.address,
            ]
        )
    }

    func keys(of user: UserID) -> Keys { stores[shards.shard(of: user).index].keys }

    private func milliseconds(_ duration: Duration) -> String { String(max(1, duration.milliseconds)) }
}
