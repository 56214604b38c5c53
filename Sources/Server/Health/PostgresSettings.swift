import Domain
import Persistence
import PostgresClient

/// The part of Postgres's configuration on which durability `ledger` rests.
struct PostgresSettings: Sendable, Hashable {
    /// Settings, each with the value that it must not have.
    static let faults = [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")]

    let values: [String: String]

    init(values: [String: String]) {
        self.values = values
    }

    init(_ postgres: PostgresClient) async throws {
        values = try await postgres.withConnection { connection in
            try connection.settings(PostgresSettings.faults.map(\.0))
        }
    }

    /// The settings with a wrong value, as lines of postgresql.conf.
    var faults: [String] {
        PostgresSettings.faults.filter { values[$0.0] == $0.1 }.map { "\($0.0) = \($0.1)" }
    }
}
