import Domain
import HotPath

/// Why the service does not start, or takes no redemptions: it cannot keep the promise that it was told to make.
public struct DurabilityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and how to put it right, in lines for an operator.
    public let description: String
    /// What is wrong, in one line.
    let summary: String

    static let notLookedAt = DurabilityError("the configuration of Redis and Postgres has not been looked at yet")

    private init(_ summary: String) {
        self.summary = summary
        description = summary
    }

    /// `nil` where there are no faults.
    init?(_ mode: Durability, _ faults: [RedisSettings.Fault]) {
        guard !faults.isEmpty else { return nil }
        let present = faults.map(\.setting).joined(separator: ", ")
        let commands = faults.map { "  CONFIG SET \($0.name) \($0.needed)" }.joined(separator: "\n")
        let lines = faults.map { "  \($0.name) \($0.needed)" }.joined(separator: "\n")
        summary = "Redis has \(present)"
        description = """
            Redis is not configured for durability '\(mode.rawValue)': it has \(present).
            Put it right with redis-cli:
            \(commands)
            and in redis.conf, so that it lasts:
            \(lines)
            or choose a weaker mode.
            """
    }

    /// `nil` where there are no faults.
    init?(_ settings: PostgresSettings) {
        let faults = settings.faults
        guard !faults.isEmpty else { return nil }
        let present = faults.joined(separator: ", ")
        let commands = faults.map { "  ALTER SYSTEM SET \($0.replacing("= off", with: "= on"));" }.joined(separator: "\n")
        summary = "Postgres has \(present)"
        description = """
            Postgres is not configured for durability 'ledger': it has \(present).
            Put it right with psql, as a superuser:
            \(commands)
              SELECT pg_reload_conf();
            or choose a weaker mode.
            """
    }

    init(_ error: any Error) {
        guard let error = error as? RedisError else {
            self.init("Postgres cannot be asked for its configuration: \(error)")
            return
        }
        if error.serverPrefix == "NOPERM" || error.message.hasPrefix("ERR unknown command") {
            self.init(
                """
                Redis does not let this user read its configuration (\(error.message)), so no durability can be promised.
                Allow it with: ACL SETUSER <user> +config|get
                """
            )
        } else {
            self.init("Redis cannot be asked for its configuration: \(error)")
        }
    }
}
