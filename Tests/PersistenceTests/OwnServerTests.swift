import Domain
import LocalStack
import Persistence
import TestSupport
import Testing

/// What takes a server that nobody else uses.
@Suite struct OwnServerTests {
    /// The commit waits for a standby that does not exist, committed locally already: the reply is lost, the effect is not.
    @Test func aLostReplyToACommitIsUnknownAndTheCursorTells() async throws {
        try await withPostgres { server in
            try await withClient(PostgresConfiguration(url: server.url)) { client throws in
                _ = try await client.withConnection { try Migrator().run(on: $0) }
                let prepared = try await prepare(client)
                try await client.withConnection { connection throws in
                    try connection.script("alter system set synchronous_standby_names = 'nobody'")
                    try connection.script("select pg_reload_conf(); select pg_sleep(0.1)")
                }
                async let landing = postgresError { try await client.withConnection { try $0.land(prepared.batch) } }
                try await client.withConnection { try $0.terminateTheOneThatWaits() }
                let error = try await landing
                #expect(error.code == .connectionLost)
                #expect(error.outcomeIsUnknown)
                try await client.withConnection { connection throws in
                    let cursor = Cursor(epoch: Epoch(1), lastID: prepared.batch.last)
                    #expect(try connection.cursor(of: shard) == cursor)
                    #expect(try connection.count("redemptions") == prepared.users.count)
                    #expect(throws: LandingError.cursorMoved(actual: cursor)) { try connection.land(prepared.batch) }
                    try connection.script("alter system reset synchronous_standby_names")
                    try connection.script("select pg_reload_conf()")
                }
            }
        }
    }

    @Test func aServerThatAnswersNothingIsTakenForLostAndFoundAgain() async throws {
        try await withPostgres { server in
            var configuration = PostgresConfiguration(url: server.url)
            configuration.statementTimeout = .milliseconds(300)
            configuration.replyGrace = .milliseconds(300)
            configuration.connectTimeout = .milliseconds(300)
            try await withClient(configuration) { client throws in
                let first = try await client.withConnection { try $0.serverProcess() }
                server.suspend()
                let began = ContinuousClock.now
                let lost = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
                #expect(lost.code == .connectionLost)
                let failed = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
                #expect(failed.code == .connectionFailed)
                #expect(ContinuousClock.now - began < .seconds(5))
                server.resume()
                #expect(try await client.withConnection { try $0.serverProcess() } != first)
            }
        }
    }

    @Test func aServerThatDiedIsFoundAgain() async throws {
        try await withPostgres { server in
            try await withClient(PostgresConfiguration(url: server.url)) { client throws in
                let prepared: Prepared
                _ = try await client.withConnection { try Migrator().run(on: $0) }
                prepared = try await prepare(client)
                await server.kill()
                let error = try await postgresError { try await client.withConnection { try $0.land(prepared.batch) } }
                #expect(error.code == .connectionFailed || error.code == .connectionLost)
                try await server.restart()
                try await expectLandsNow(client, prepared)
            }
        }
    }
}
