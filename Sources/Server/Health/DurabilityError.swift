import Domain
import RedisClient

/// The service cannot keep the durability that it was told to promise, so it does not start or takes no redemptions.
public struct DurabilityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault and its remedy, in lines for an operator.
    public let description: String
    /// The fault, in one line.
    let summary: String

    static let notLookedAt = DurabilityError("the configuration of Redis and Postgres has not been looked at yet")

    private init(_ summary: String) {
        self.summary = summary
        description = summary
    }

    /// `nil`: there are no faults.
    init?(_ mode: Durability, _ faults: [RedisSettings.Fault]) {
        guard !faults.isEmpty else { return nil }
        let present = faults.map(\.text).joined(separator: ", ")
        let commands = faults.map { "  \($0.command)" }.joined(separator: "\n")
        let lines = faults.map { "  \($0.line)" }.joined(separator: "\n")
        let replay = faults.contains { if case .replay = $0 { true } else { false } }
        let file = replay ? "and in redis.conf (users in its aclfile, where it names one)" : "and in redis.conf"
        summary = "Redis has \(present)"
        description = """
            Redis is not configured for durability '\(mode.rawValue)': it has \(present).
            Put it right with redis-cli:
            \(commands)
            \(file), so that it lasts:
            \(lines)
            \(replay ? DurabilityError.restart : "or choose a weaker mode.")
            """
    }

    private static let restart = """
        on every node. If Redis was started with that user as it is, start it once more then: its file still has what was left out.
        """

    /// `nil`: there are no faults.
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
                Allow it with: ACL SETUSER <user> +config|get +acl|dryrun
                """
            )
        } else {
            self.init("Redis cannot be asked for its configuration: \(error)")
        }
    }
}
