internal import ArgumentParser
internal import HotPath
internal import Persistence

/// The users of Redis and roles of Postgres that the processes should connect as.
enum RightsListing: String, EnumerableFlag {
    case printAcl
    case printRedisAcl
    case printPostgresRoles

    static let help: ArgumentHelp = """
        Look at nothing; print the least rights that `serve` and `sync` need: commands for redis-cli, statements for psql, or both.
        """

    var text: String {
        switch self {
        case .printAcl:
            """
            # Redis: give these to redis-cli, as an administrator other than the user 'default', which the last line turns off; give
            # each of the first two a password (ACL SETUSER NAME >PASSWORD). Then ACL SAVE where there is an aclfile, else CONFIG REWRITE.
            \(redis)
            -- Postgres: give these to psql in Redeem's database, as the owner of its tables, and each role a password (\\password NAME).
            \(postgres)
            """
        case .printRedisAcl: redis
        case .printPostgresRoles: postgres
        }
    }

    /// Without this, psql would go on after a failure, roll back, and end with 0.
    private var postgres: String { "\\set ON_ERROR_STOP on\n" + PostgresRole.script }

    private var redis: String {
        (RedisUser.allCases.map { $0.command() } + [ReplayRights.command]).map { $0.joined(separator: " ") + "\n" }.joined()
    }
}
