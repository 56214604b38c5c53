import Domain
import HotPath
import Persistence
import PostgresClient
import TestSupport
import Testing

/// The tests' own ground.
@Suite(.timeLimit(.minutes(5)))
struct TestEnvironmentTests {
    @Test("gives each test a migrated database and a Redis, and opens the shard")
    func environment() async throws {
        for _ in 0..<2 {
            try await withTestEnvironment { environment in
                #expect(try await environment.postgres.withConnection { try Migrator().pending(on: $0).isEmpty })
                #expect(try await environment.postgres.withConnection { try $0.cursor(of: Shard(index: 0)) } == nil)
                #expect(try await environment.store.status().epoch == nil)
                #expect(try await environment.openShard() == Epoch(1))
                let status = try await environment.store.status()
                #expect(status.epoch == Epoch(1) && status.scriptsLoaded)
            }
        }
    }
}
