public import Domain
public import PostgresClient

// Revocations of sessions are written here into the control log, in the transaction of the change that causes them. A shard's owner
// carries them to Redis. So no session stays if a caller dies before it has ended the sessions in Redis itself.
extension PostgresConnection {
    /// Changes the password, which ends the user's sessions.
    /// - Parameter version: the version that the credentials must still have; `nil`: any.
    /// - Returns: the version that the credentials have now; sessions of an older one are over. `nil`: there is no such user.
    public func setPasswordHash(of user: UserID, to hash: String, at version: Int? = nil, actor: String) throws -> Int? {
        try change(user, "password_hash = $2,", [hash], at: version, actor: actor)
    }

    /// Changes the role, which ends the user's sessions.
    /// - Returns: as `setPasswordHash`.
    public func setRole(of user: UserID, to role: Role, actor: String) throws -> Int? {
        try change(user, "role = $2,", [role], actor: actor)
    }

    /// Ends the sessions of a user.
    /// - Returns: as `setPasswordHash`.
    public func revokeSessions(of user: UserID, actor: String) throws -> Int? {
        try change(user, "", [], actor: actor)
    }

    /// Ends everybody's sessions that began before a moment.
    public func revokeSessions(before moment: Timestamp, actor: String) throws {
        _ = try controlTransaction {
            try appendControl(.sessionsRevoked(before: moment), actor: actor)
        }
    }

    /// Replaces the stored hash by another one of the same password; sessions go on. False: the stored hash is not `old`, or there is no
    /// such user. Then nothing was written, so a password that was changed meanwhile is not changed back.
    public func replacePasswordHash(of user: UserID, from old: String, to new: String) throws -> Bool {
        let sql = "update users set password_hash = $3 where id = $1 and password_hash = $2"
        return try execute(sql, user, old, new) == 1
    }

    /// How long `isCurrent` waits for a change that is under way. One that takes longer is somebody's open transaction.
    private static let lockTimeoutMilliseconds = 2_000

    /// True if the credentials are still those of the user. It waits for a change that is under way. So if a login creates its session
    /// before it asks this, then either it sees a change of password, or that change sees and ends the session.
    ///
    /// Throws an error with `isLockTimeout` where the change does not end.
    public func isCurrent(_ credentials: Credentials) throws -> Bool {
        try transaction {
            try script("set local lock_timeout = \(PostgresConnection.lockTimeoutMilliseconds)")
            let sql = "select version from users where id = $1 for share"
            return try query(sql, credentials.user.id).first?.decode(0) == credentials.version
        }
    }

    /// The sessions that the control log ended after an entry. Entries that are older than any session that can exist are left out.
    public func sessionRevocations(after sequence: Int) throws -> SessionRevocations {
        // A session lives for a year at most, whatever the settings. Rows that cannot be read are left out; the control feed tells of them.
        let sql = """
            select payload->>'user', max((payload->>'below')::bigint) filter (where kind = 'user_sessions_revoked'),
                   max((payload->>'before')::bigint) filter (where kind = 'sessions_revoked')
            from control_log
            where seq > $1 and created_at > now() - interval '367 days'
              and (kind = 'user_sessions_revoked' and payload->>'below' ~ '^[0-9]{1,16}$'
                   or kind = 'sessions_revoked' and payload->>'before' ~ '^[0-9]{1,16}$')
            group by 1
            """
        var revocations = SessionRevocations()
        for row in try query(sql, sequence) {
            if let user = try row.decode(0, as: String?.self) {
                guard let user = UserID(user), let version = try row.decode(1, as: Int?.self) else { continue }
                revocations.add(user, below: version)
            } else if let before = try row.decode(2, as: Int?.self) {
                revocations.add(before: Timestamp(milliseconds: Int64(before)))
            }
        }
        return revocations
    }

    private func change(
        _ user: UserID,
        _ columns: String,
        _ values: [any PostgresValue],
        at expected: Int? = nil,
        actor: String
    ) throws -> Int? {
        try controlTransaction {
            // This is a number, not text from outside, so it needs no parameter.
            let condition = expected.map { "and version = \($0)" } ?? ""
            let sql = "update users set \(columns) version = version + 1 where id = $1 \(condition) returning version"
            guard let version: Int = try query(sql, parameters: [user] + values).first?.decode(0) else { return nil }
            try appendControl(.userSessionsRevoked(user, below: version), actor: actor)
            return version
        }
    }
}
