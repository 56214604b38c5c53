public import Domain
public import RedisClient

// Sessions are ended by plain commands and not by a script, so that they can be ended while a shard is closed, and in a Redis
// that is full. DEL is the moment at which a session ends: from its reply on nothing is redeemed under it. A session never gets another
// user, so it is safe to read its user first and to delete it then.
extension SessionStore {
    /// A user's sessions, the newest first.
    public func list(of user: UserID) async throws(RedisError) -> [Session] {
        let keys = keys(of: user)
        let ids = try await ids(of: user)
        var sessions: [Session] = []
        let commands = ids.flatMap { id in
            [["HMGET", keys.session(id), "device", "address", "created", "used"], ["PEXPIRETIME", keys.session(id)]]
        }
        let replies = try await pipeline(commands)
        for (index, id) in ids.enumerated() {
            // A session without its fields has ended since it was listed.
            guard let session = Session(id: id, fields: replies[2 * index], expires: replies[2 * index + 1]) else { continue }
            sessions.append(session)
        }
        return sessions.sorted { ($0.created, $0.id.uuid.low) > ($1.created, $1.id.uuid.low) }
    }

    /// Ends one session of a user.
    /// - Returns: true if there was such a session, and it was this user's.
    @discardableResult
    public func revoke(user: UserID, session: SessionID) async throws(RedisError) -> Bool {
        let owner = try await send(["HGET", keys(of: user).session(session), "user"])
        guard owner.string == user.description else { return false }
        return try await end([user: [session]]) == 1
    }

    /// Ends a user's sessions.
    /// - Parameter kept: a session that does not end.
    /// - Returns: how many there were.
    @discardableResult
    public func revokeAll(of user: UserID, except kept: SessionID? = nil) async throws(RedisError) -> Int {
        try await end([user: try await ids(of: user).filter { $0 != kept }])
    }

    /// Ends the sessions that revocations end. It may be done any number of times. The moment of a revocation is one of Redis's clock, and
    /// has passed.
    /// - Returns: how many sessions there were.
    @discardableResult
    public func end(_ revocations: SessionRevocations) async throws(RedisError) -> Int {
        var ended = 0
        if let moment = revocations.before { ended += try await endAll(begunBefore: moment) }
        let users = Array(revocations.below)
        for start in stride(from: 0, to: users.count, by: ShardStore.pipelineLimit) {
            let part = users[start..<min(start + ShardStore.pipelineLimit, users.count)]
            let lists = try await pipeline(part.map { ["ZRANGE", keys(of: $0.key).sessions($0.key), "0", "-1"] })
            var sessions: [(user: UserID, id: SessionID, below: Int)] = []
            for (user, list) in zip(part, lists) {
                sessions += try SessionStore.ids(in: list).map { (user: user.key, id: $0, below: user.value) }
            }
            let versions = try await pipeline(sessions.map { ["HGET", keys(of: $0.user).session($0.id), "version"] })
            let over = zip(sessions, versions).filter { session, version in version.number.map { $0 < session.below } ?? true }
            ended += try await end(Dictionary(grouping: over.map(\.0), by: \.user).mapValues { $0.map(\.id) })
        }
        return ended
    }

    /// Ends all sessions of a shard, of all users. A session that begins meanwhile may stay.
    /// - Returns: how many there were.
    @discardableResult
    public func endAll(of shard: Shard) async throws(RedisError) -> Int {
        let keys = Keys(shard)
        var ended = 0
        var position = "0"
        repeat {
            // The keys of sessions and of users' lists of sessions begin so, and no other keys do.
            let page = try await scan(position, keys.sessionPrefix.dropLast())
            let names = page.names
            if !names.isEmpty { _ = try await send(["UNLINK"] + names) }
            ended += names.count { $0.hasPrefix(keys.sessionPrefix) }
            position = page.next
        } while position != "0"
        return ended
    }

    private func scan(_ position: String, _ prefix: some StringProtocol) async throws(RedisError) -> ScanPage {
        try ScanPage(try await send(ScanPage.keys(position, prefix, count: 1_000)), of: "SCAN")
    }

    /// Ends all sessions that began before a moment. It reads all sessions, about a thousand at a time.
    private func endAll(begunBefore moment: Timestamp) async throws(RedisError) -> Int {
        var ended = 0
        for shard in shards.shards {
            let prefix = Keys(shard).sessionPrefix
            var position = "0"
            // SCAN finds each key that exists from its beginning to its end. A session that begins meanwhile is not one of those to end.
            repeat {
                let page = try await scan(position, prefix)
                let names = page.names
                let begun = try await pipeline(names.map { ["HMGET", $0, "user", "created"] })
                var byUser: [UserID: [SessionID]] = [:]
                for (name, fields) in zip(names, begun) {
                    guard let fields = fields.array, let user = fields[0].string.flatMap({ UserID($0) }),
                        let created = fields[1].number, Int64(created) < moment.milliseconds,
                        let id = SessionID(String(name.dropFirst(prefix.count)))
                    else { continue }
                    byUser[user, default: []].append(id)
                }
                ended += try await end(byUser)
                position = page.next
            } while position != "0"
        }
        return ended
    }

    /// - Returns: how many there were.
    @discardableResult
    func end(_ sessions: [UserID: [SessionID]]) async throws(RedisError) -> Int {
        let commands = sessions.filter { !$0.value.isEmpty }.flatMap { user, ids in
            let keys = keys(of: user)
            return [["DEL"] + ids.map(keys.session), ["ZREM", keys.sessions(user)] + ids.map(\.description)]
        }
        let replies = try await pipeline(commands)
        return stride(from: 0, to: replies.count, by: 2).reduce(0) { $0 + (replies[$1].integer ?? 0) }
    }

    private func ids(of user: UserID) async throws(RedisError) -> [SessionID] {
        try SessionStore.ids(in: try await send(["ZRANGE", keys(of: user).sessions(user), "0", "-1"]))
    }

    private static func ids(in reply: RESPValue) throws(RedisError) -> [SessionID] {
        guard let members = reply.array else { throw RedisError.unexpected(reply, of: "ZRANGE") }
        return members.compactMap { $0.string.flatMap { SessionID($0) } }
    }

    private func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RESPValue] {
        try await stores[0].pipeline(commands)
    }
}

extension Session {
    fileprivate init?(id: SessionID, fields: RESPValue, expires: RESPValue) {
        guard let fields = fields.array, fields.count == 4, let device = fields[0].string, let address = fields[1].string,
            let created = fields[2].number, let used = fields[3].number, let expires = expires.integer
        else { return nil }
        self.init(
            id: id,
            device: device,
            address: address,
            created: Timestamp(milliseconds: Int64(created)),
            used: Timestamp(milliseconds: Int64(used)),
            expires: Timestamp(milliseconds: Int64(expires))
        )
    }
}
