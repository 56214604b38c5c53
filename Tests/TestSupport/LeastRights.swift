public import HotPath
public import LocalStack
public import Persistence

/// The users and roles that a deployed Redeem connects as, on the servers of a test.
public enum LeastRights {
    private static let password = "least-rights"

    /// Lines of redis.conf that make the users, so that they are there after a restart.
    public static var redisLines: [String] {
        RedisUser.allCases.map { user in
            (["user", user.rawValue, ">\(password)"] + user.command().dropFirst(3)).joined(separator: " ")
        }
    }

    /// Makes the roles.
    /// - Parameter database: the owner's URL of a migrated database.
    public static func grant(database: String) async throws {
        try await TestStack.shared.inTurn {
            let session = try await PostgresSession.open(PostgresConfiguration(url: database), logger: testLogger())
            try await stopping({ await session.close() }) {
                try await session.withConnection { connection in
                    try connection.script(PostgresRole.script)
                    for role in PostgresRole.allCases {
                        try connection.script("alter role \(role.rawValue) password '\(password)'")
                    }
                }
            }
        }
    }

    public static func url(of redis: RedisServer, as user: RedisUser) -> String {
        "redis://\(user.rawValue):\(password)@127.0.0.1:\(redis.port)"
    }

    /// - Parameter database: the owner's URL.
    public static func url(of database: String, as role: PostgresRole) -> String {
        database.replacing(#/:\/\/[^@]*@/#, with: "://\(role.rawValue):\(password)@")
    }
}
