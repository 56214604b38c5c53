import LocalStack
import Persistence
import PostgresClient
import TestSupport

/// The database of a `SyncEnvironment`, of which there is a dump to be put back.
struct DumpedDatabase: Sendable {
    private let server: PostgresServer
    private let name: String

    static func with(_ body: (SyncEnvironment, DumpedDatabase) async throws -> Void) async throws {
        let server = try await TestStack.shared.postgres()
        try await SyncEnvironment.with { env in
            let name = env.postgresConfiguration.url.split(separator: "/").last.map(String.init) ?? ""
            try await body(env, DumpedDatabase(server: server, name: name))
        }
    }

    func dump() async throws { try await server.dump(name, as: "\(name).dump") }

    func restore() async throws { try await server.restore("\(name).dump", into: name) }
}
