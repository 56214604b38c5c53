public import HotPath
public import LocalStack
public import Persistence
import PostgresClient

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
            let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: database), logger: testLogger())
            try await stopping({ await dedicated.close() }) {
                try await dedicated.withConnection { connection in
                    try connection.script(PostgresRole.script)
                    for role in PostgresRole.allCases {
                        try connection.script("alter role \(role.rawValue) password '\(password)'")
                    }
                }
            }
        }
    }

    /// Gives the tables of a migrated database to a role that is no superuser, as where Postgres is managed by somebody else.
    /// - Parameter database: a superuser's URL.
    /// - Returns: the owner's URL.
    public static func makeOwner(database: String) async throws -> String {
        try await TestStack.shared.inTurn {
            let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: database), logger: testLogger())
            try await stopping({ await dedicated.close() }) {
                try await dedicated.withConnection { connection in
                    try connection.script(
                        """
                        do $$ declare statement text; begin
                            if not exists (select from pg_roles where rolname = 'redeem_owner') then
                                create role redeem_owner login password '\(password)';
                            end if;
                            grant usage, create on schema public to redeem_owner;
                            for statement in
                                select format('alter table %s owner to redeem_owner', oid::regclass) from pg_class
                                where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
                                union all
                                select format('alter function %s owner to redeem_owner', oid::regprocedure) from pg_proc
                                where pronamespace = 'public'::regnamespace
                            loop execute statement; end loop;
                        end $$
                        """
                    )
                }
            }
        }
        return database.replacing(#/:\/\/[^@]*@/#, with: "://redeem_owner:\(password)@")
    }

    public static func url(of redis: RedisServer, as user: RedisUser) -> String {
        "redis://\(user.rawValue):\(password)@127.0.0.1:\(redis.port)"
    }

    /// - Parameter database: the owner's URL.
    public static func url(of database: String, as role: PostgresRole) -> String {
        database.replacing(#/:\/\/[^@]*@/#, with: "://\(role.rawValue):\(password)@")
    }
}
