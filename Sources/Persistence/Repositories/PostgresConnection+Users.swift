public import Domain
public import PostgresClient

/// A user to be created.
public struct NewUser: Hashable, Sendable {
    public let id: UserID
    public let username: String
    public let name: String
    public let role: Role
    public let passwordHash: String
    /// The credit that the user has at the beginning.
    public let credit: Int

    public init(id: UserID, username: String, name: String, role: Role, passwordHash: String, credit: Int) {
        self.id = id
        self.username = username
        self.name = name
        self.role = role
        self.passwordHash = passwordHash
        self.credit = credit
    }
}

/// The data that a login is checked against.
public struct Credentials: Hashable, Sendable {
    public let user: User
    public let passwordHash: String
    /// Grows with each change of password or role, and when all sessions of the user are ended.
    public let version: Int

    public init(user: User, passwordHash: String, version: Int) {
        self.user = user
        self.passwordHash = passwordHash
        self.version = version
    }
}

extension PostgresConnection {
    private static let usersPerCopy = 10_000
    static let userColumns = "id, username, name, role, created_at"

    static func user(_ row: PostgresRow) throws(PostgresError) -> User {
        User(
            id: try row.decode(0),
            username: try row.decode(1),
            name: try row.decode(2),
            role: try row.decode(3),
            createdAt: try row.decode(4)
        )
    }

    /// Creates a user. Where the username is taken, the error is a unique violation that names it.
    public func createUser(_ new: NewUser, actor: String) throws -> User {
        try createUsers([new], actor: actor)
        guard let user = try user(id: new.id) else { throw PostgresError(.protocolViolation, "a user created is not there") }
        return user
    }

    /// Creates all of the users or none. Where a username is taken, or given twice, the error is a unique violation that names
    /// it.
    public func createUsers(_ new: [NewUser], actor: String) throws {
        do {
            try transaction {
                // In parts, so that the limit on the time of a statement does not limit the number of users.
                for start in stride(from: 0, to: new.count, by: PostgresConnection.usersPerCopy) {
                    try insert(new[start..<min(start + PostgresConnection.usersPerCopy, new.count)], actor: actor)
                }
            }
        } catch let error as PostgresError where error.isUniqueViolation && error.constraint == PostgresConstraint.username {
            guard let username = try firstTaken(of: new) else { throw error }
            throw error.with(message: "the username '\(username)' is taken")
        }
    }

    private func insert(_ new: ArraySlice<NewUser>, actor: String) throws(PostgresError) {
        try copyIn(new, into: "users", ["id", "username", "name", "password_hash", "role"]) { user, copy in
            copy.row(user.id, user.username, user.name, user.passwordHash, user.role)
        }
        // No control entry: no shard can have loaded a user that does not exist yet.
        let funded = new.lazy.filter { $0.credit != 0 }
        try copyIn(funded, into: "credit_grants", ["user_id", "amount", "reason", "actor"]) { user, copy in
            copy.row(user.id, user.credit, "created", actor)
        }
    }

    private func firstTaken(of new: [NewUser]) throws -> String? {
        var seen: Set<String> = []
        for user in new where !seen.insert(user.username).inserted { return user.username }
        let sql = "select username from users where username = any($1) order by username limit 1"
        return try query(sql, new.map(\.username)).first?.decode(0)
    }

    /// The names among these that are taken.
    public func usernames(among names: [String]) throws -> Set<String> {
        var taken: Set<String> = []
        for start in stride(from: 0, to: names.count, by: PostgresConnection.usersPerCopy) {
            let part = Array(names[start..<min(start + PostgresConnection.usersPerCopy, names.count)])
            for row in try query("select username from users where username = any($1)", part) {
                taken.insert(try row.decode(0))
            }
        }
        return taken
    }

    public func user(username: String) throws -> User? { try credentials(of: username)?.user }

    public func credentials(of username: String) throws -> Credentials? {
        // Postgres's text cannot have NUL, so no username has it.
        guard !username.utf8.contains(0) else { return nil }
        let sql = "select \(PostgresConnection.userColumns), password_hash, version from users where username = $1"
        guard let row = try query(sql, username).first else { return nil }
        return Credentials(user: try PostgresConnection.user(row), passwordHash: try row.decode(5), version: try row.decode(6))
    }

    public func user(id: UserID) throws -> User? {
        let sql = "select \(PostgresConnection.userColumns) from users where id = $1"
        return try query(sql, id).first.map(PostgresConnection.user)
    }

    /// A page of users by username, in the order of its bytes.
    public func users(after username: String?, limit: Int) throws -> [User] {
        let sql = "select \(PostgresConnection.userColumns) from users where username > $1 order by username limit $2"
        return try query(sql, username ?? "", limit).map(PostgresConnection.user)
    }
}
