import Domain
import Persistence

/// The part of Postgres's configuration on which durability `ledger` rests.
struct PostgresSettings: Sendable, Hashable {
    /// What each must not be.
    static let faults = [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")]

    let values: [String: String]

    init(values: [String: String]) {
        self.values = values
    }

    init(_ postgres: PostgresClient) async throws {
        values = try await postgres.withConnection { connection in
            var values: [String: String] = [:]
            for (name, _) in PostgresSettings.faults {
                values[name] = try connection.query("select current_setting($1)", name)[0].decode(0, as: String.self)
            }
            return values
        }
    }

    /// As in postgresql.conf.
    var faults: [String] {
        PostgresSettings.faults.filter { values[$0.0] == $0.1 }.map { "\($0.0) = \($0.1)" }
    }
}

extension DurabilityError {
    static func notConfigured(_ faults: [String]) -> DurabilityError {
        let commands = faults.map { "  ALTER SYSTEM SET \($0.replacing("= off", with: "= on"));" }.joined(separator: "\n")
        return DurabilityError(
            description: """
                Postgres is not configured for durability 'ledger': it has \(faults.joined(separator: ", ")).
                Put it right with psql, as a superuser:
                \(commands)
                  SELECT pg_reload_conf();
                or choose a weaker mode.
                """
        )
    }
}
