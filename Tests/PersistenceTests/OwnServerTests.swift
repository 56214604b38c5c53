import Domain
import LocalStack
import Persistence
import PostgresClient
import Synchronization
import TestSupport
import Testing

/// What takes a server that nobody else uses.
@Suite struct OwnServerTests {
    /// The commit waits for a standby that does not exist, committed locally already: the reply is lost, the effect is not.
    @Test func aLostReplyToACommitIsUnknownAndTheCursorTells() async throws {
        try await withPostgres { server in
            try await withPostgresClient(PostgresConfiguration(url: server.url)) { client throws in
                _ = try await client.withConnection { try Migrator().run(on: $0) }
                let prepared = try await prepare(client)
                try await client.withConnection { connection throws in
                    try connection.script("alter system set synchronous_standby_names = 'nobody'")
                    try connection.script("select pg_reload_conf()")
                }
                try await untilCommitsWait(client)
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

    /// The checkpointer, which tells the others whether commits wait for a standby, reads the file a moment later.
    private func untilCommitsWait(_ client: PostgresClient) async throws {
        let limit = ContinuousClock.now + .seconds(20)
        var doWait = false
        while !doWait {
            try #require(ContinuousClock.now < limit, "commits do not wait for a standby")
            let isOver = Atomic(false)
            let probe = Task {
                defer { isOver.store(true, ordering: .relaxed) }
                _ = try await client.withConnection { connection throws in
                    try connection.script("create table if not exists probe (a int); insert into probe values (1)")
                }
            }
            let probing = "pid <> pg_backend_pid() and query like '%into probe%'"
            let cancel = "select pg_cancel_backend(pid) from pg_stat_activity where \(probing) and wait_event = 'SyncRep'"
            while !doWait, !isOver.load(ordering: .relaxed) {
                doWait = try await client.withConnection { connection throws in try !connection.query(cancel).isEmpty }
            }
            _ = await probe.result
        }
    }

    @Test func aServerThatAnswersNothingIsTakenForLostAndFoundAgain() async throws {
        try await withPostgres { server in
            var configuration = PostgresConfiguration(url: server.url)
            configuration.statementTimeout = .seconds(1)
            configuration.replyGrace = .seconds(1)
            configuration.connectTimeout = .seconds(2)
            try await withPostgresClient(configuration) { client throws in
                let first = try await client.withConnection { try $0.serverProcess() }
                server.suspend()
                let began = ContinuousClock.now
                let lost = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
                #expect(lost.code == .connectionLost)
                let failed = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
                #expect(failed.code == .connectionFailed)
                #expect(ContinuousClock.now - began < .seconds(20))
                server.resume()
                #expect(try await client.withConnection { try $0.serverProcess() } != first)
            }
        }
    }

    @Test func aServerThatDiedIsFoundAgain() async throws {
        try await withPostgres { server in
            try await withPostgresClient(PostgresConfiguration(url: server.url)) { client throws in
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
