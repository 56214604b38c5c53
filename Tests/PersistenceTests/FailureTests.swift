import Dispatch
import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

/// What breaks while something is under way.
@Suite struct FailureTests {
    /// Runs the body while another transaction has the coupon's row locked: a landing gets as far as counting.
    private func withLockedCoupon(_ client: PostgresClient, _ body: () async throws -> Void) async throws {
        let (locked, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let holder: Void = client.transaction { connection throws in
            try connection.query("select from coupons for update")
            locked.signal()
            done.wait()
        }
        await offThread { locked.wait() }
        defer { done.signal() }
        try await body()
        done.signal()
        try await holder
    }

    @Test func aConnectionKilledBeforeTheCommitLeavesNothing() async throws {
        try await withPostgresClient { client throws in
            let prepared = try await prepare(client)
            try await withLockedCoupon(client) {
                async let landing = postgresError { try await client.withConnection { try $0.land(prepared.batch) } }
                try await client.withConnection { try $0.terminateTheOneThatWaits() }
                let error = try await landing
                #expect(error.code == .connectionLost)
                #expect(error.sqlState == "57P01")
                #expect(!error.outcomeIsUnknown)
            }
            try await expectLandsNow(client, prepared)
        }
    }

    @Test func aConnectionKilledInTheMiddleOfCopyLeavesNothing() async throws {
        try await withPostgresClient { client throws in
            // More than the sockets hold, so that the client still sends when the server dies.
            let prepared = try await prepare(client, users: 40_000)
            try await client.withConnection { try $0.sleepDuringInsert(into: "redemptions") }
            async let landing = postgresError { try await client.withConnection { try $0.land(prepared.batch) } }
            try await client.withConnection { try $0.terminateTheOneThatWaits() }
            let error = try await landing
            #expect(error.code == .connectionLost)
            #expect(!error.outcomeIsUnknown)
            try await client.withConnection { try $0.script("drop trigger sleep on redemptions") }
            try await expectLandsNow(client, prepared)
        }
    }

    @Test func aConnectionKilledInTheCommitLeavesTheOutcomeToTheCursor() async throws {
        try await withPostgresClient { client throws in
            let prepared = try await prepare(client)
            try await client.withConnection { try $0.sleepDuringCommit(of: "redemptions") }
            async let landing = postgresError { try await client.withConnection { try $0.land(prepared.batch) } }
            try await client.withConnection { try $0.terminateTheOneThatWaits() }
            let error = try await landing
            #expect(error.code == .connectionLost)
            #expect(error.outcomeIsUnknown)
            try await client.withConnection { try $0.script("drop trigger sleep on redemptions") }
            try await expectLandsNow(client, prepared)
        }
    }

    @Test func aStatementOutsideOfATransactionMayHaveHappened() async throws {
        try await withPostgresClient { client throws in
            let error = try await postgresError {
                try await client.withConnection { try $0.execute("select pg_terminate_backend(pg_backend_pid())") }
            }
            #expect(error.code == .connectionLost)
            #expect(error.outcomeIsUnknown)
        }
    }

    @Test func aStatementThatTakesTooLongIsEndedAndLeavesNothing() async throws {
        try await withMigratedDatabase { url in
            let configuration = PostgresConfiguration(url: url)
            try await withPostgresClient(configuration) { client throws in
                let prepared = try await prepare(client)
                try await withLockedCoupon(client) {
                    var impatient = configuration
                    impatient.statementTimeout = .milliseconds(300)
                    let error = try await withPostgresClient(impatient) { impatient throws in
                        try await postgresError { try await impatient.withConnection { try $0.land(prepared.batch) } }
                    }
                    #expect(error.code == .serverError)
                    #expect(error.sqlState == "57014")
                    #expect(!error.isCausedByData)
                    #expect(!error.outcomeIsUnknown)
                }
                #expect(try await client.withConnection { try $0.quarantineCount() } == 0)
                try await expectLandsNow(client, prepared)
            }
        }
    }

    @Test func aConnectionSurvivesAnErrorOfAStatement() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 1
        } _: { client throws in
            let process = try await client.withConnection { try $0.serverProcess() }
            for (sql, sqlState) in [("select 1 / 0", "22012"), ("selec", "42601"), ("select * from nowhere", "42P01")] {
                let error = try await postgresError { try await client.withConnection { try $0.execute(sql) } }
                #expect(error.code == .serverError)
                #expect(error.sqlState == sqlState)
                #expect(!error.outcomeIsUnknown)
            }
            #expect(try await client.withConnection { try $0.serverProcess() } == process)
        }
    }

    @Test func aFailedTransactionCannotBeCommitted() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { try $0.script("create table t (a int)") }
            let error = try await postgresError {
                try await client.transaction { connection throws in
                    try connection.execute("insert into t values (1)")
                    #expect(throws: PostgresError.self) { try connection.query("select 1 / 0") }
                }
            }
            #expect(error.sqlState == "25P02")
            #expect(!error.outcomeIsUnknown)
            #expect(try await client.withConnection { try $0.count("t") } == 0)
        }
    }

    @Test func aReadOnlyTransactionWritesNothing() async throws {
        try await withPostgresClient { client throws in
            let error = try await postgresError {
                try await client.transaction(.snapshotReadOnly) { try $0.script("create table t (a int)") }
            }
            #expect(error.sqlState == "25006")
        }
    }

    @Test func durableCommitsCannotBeSwitchedOffByTheDatabase() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let name = try connection.query("select quote_ident(current_database())")[0].decode(0, as: String.self)
                try connection.script("alter database \(name) set synchronous_commit = off")
            }
            // A setting of the database holds for connections to come.
            _ = try await postgresError {
                try await client.withConnection { try $0.execute("select pg_terminate_backend(pg_backend_pid())") }
            }
            let setting = try await client.withConnection {
                try $0.query("show synchronous_commit")[0].decode(0, as: String.self)
            }
            #expect(setting == "on")
        }
    }
}
