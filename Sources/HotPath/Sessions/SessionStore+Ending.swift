public import Domain

// Sessions are ended by plain commands and not by a script, so that they can be ended while a shard is closed, and in a Redis
// that is full. DEL is the moment at which a session ends: from its reply on nothing is redeemed under it. Who owns a session
// never changes, so to look first and delete then cannot go wrong.
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
            // Ended since it was listed.
            guard let session = Session(id: id, fields: replies[2 * index], expires: replies[2 * index + 1]) else { continue }
            sessions.append(session)
        }
        return sessions.sorted { ($0.created, $0.id.uuid.low) > ($1.created, $1.id.uuid.low) }
    }

    /// Ends one session of a user.
    /// - Returns: whether there was one, and it was this user's.
    @discardableResult
    public func revoke(user: UserID, session: SessionID) async throws(RedisError) -> Bool {
        let owner = try await client.send(["HGET", keys(of: user).session(session), "user"])
        guard owner.string == user.description else { return false }
        return try await end([session], of: user) == 1
    }

    /// Ends a user's sessions.
    /// - Parameter kept: one that is to stay.
    /// - Returns: how many there were.
    @discardableResult
    public func revokeAll(of user: UserID, except kept: SessionID? = nil) async throws(RedisError) -> Int {
        try await end(try await ids(of: user).filter { $0 != kept }, of: user)
    }

    /// Ends the sessions that a user began with older credentials than `version`.
    /// - Returns: how many there were.
    @discardableResult
    public func revokeAll(of user: UserID, below version: Int) async throws(RedisError) -> Int {
        let ids = try await ids(of: user)
        let versions = try await pipeline(ids.map { ["HGET", keys(of: user).session($0), "version"] })
        let old = zip(ids, versions).filter { _, began in began.number.map { $0 < version } ?? true }
        return try await end(old.map(\.0), of: user)
    }

    /// Ends everybody's sessions that began before a moment of Redis's clock that has passed. It reads all sessions, some thousand
    /// at a time.
    /// - Returns: how many there were.
    @discardableResult
    public func revokeAll(begunBefore moment: Timestamp) async throws(RedisError) -> Int {
        var ended = 0
        for shard in shards.shards {
            let keys = Keys(shard)
            var position = "0"
            // SCAN gives each key that is there from its beginning to its end, and a session that begins meanwhile may stay.
            repeat {
                let reply = try await client.send(["SCAN", position, "MATCH", keys.sessionPrefix + "*", "COUNT", "1000"])
                guard let page = reply.array, page.count == 2, let next = page[0].string, let found = page[1].array else {
                    throw RedisError.unexpected(reply, of: "SCAN")
                }
                ended += try await end(sessions: found.compactMap(\.string), begunBefore: moment, keys)
                position = next
            } while position != "0"
        }
        return ended
    }

    private func end(sessions names: [String], begunBefore moment: Timestamp, _ keys: Keys) async throws(RedisError) -> Int {
        var byUser: [UserID: [SessionID]] = [:]
        let begun = try await pipeline(names.map { ["HMGET", $0, "user", "created"] })
        for (name, fields) in zip(names, begun) {
            guard let fields = fields.array, fields.count == 2, let created = fields[1].number,
                Int64(created) < moment.milliseconds, let user = fields[0].string.flatMap({ UserID($0) }),
                let id = SessionID(String(name.dropFirst(keys.sessionPrefix.count)))
            else { continue }
            byUser[user, default: []].append(id)
        }
        let commands = byUser.flatMap { user, ids in
            [["DEL"] + ids.map(keys.session), ["ZREM", keys.sessions(user)] + ids.map(\.description)]
        }
        let replies = try await pipeline(commands)
        return stride(from: 0, to: replies.count, by: 2).reduce(0) { $0 + (replies[$1].integer ?? 0) }
    }

    /// - Returns: how many there were.
    @discardableResult
    func end(_ ids: [SessionID], of user: UserID) async throws(RedisError) -> Int {
        guard !ids.isEmpty else { return 0 }
        let keys = keys(of: user)
        let commands = [["DEL"] + ids.map(keys.session), ["ZREM", keys.sessions(user)] + ids.map(\.description)]
        return try await pipeline(commands)[0].integer ?? 0
    }

    private func ids(of user: UserID) async throws(RedisError) -> [SessionID] {
        let reply = try await client.send(["ZRANGE", keys(of: user).sessions(user), "0", "-1"])
        guard let members = reply.array else { throw RedisError.unexpected(reply, of: "ZRANGE") }
        return members.compactMap { $0.string.flatMap { SessionID($0) } }
    }

    private func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RESPValue] {
        try await ShardStore(shard: shards.shards[0], client: client).pipeline(commands)
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
