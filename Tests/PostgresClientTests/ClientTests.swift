import Dispatch
import PostgresClient
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@Suite struct ClientTests {
    @Test func noMoreConnectionsThanAllowed() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 3
        } _: { client throws in
            let use = Use()
            let processes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        try await client.withConnection { connection throws in
                            use.begin()
                            defer { use.end() }
                            try connection.query("select pg_sleep(0.003)")
                            return try connection.serverProcess()
                        }
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(use.most == 3)
            #expect(processes.count == 3)
        }
    }

    /// Runs the body while another call has a connection; afterwards that one is free again.
    private func whileOneIsInUse(of client: PostgresClient, _ body: () async throws -> Void) async throws {
        let (held, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let holder: Void = client.withConnection { _ in
            held.signal()
            done.wait()
        }
        await offThread { held.wait() }
        do {
            defer { done.signal() }
            try await body()
        }
        try await holder
        _ = try await client.withConnection { try $0.serverProcess() }
    }

    @Test func waitingForAConnectionHasALimit() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 1
            $0.acquireTimeout = .milliseconds(100)
        } _: { client throws in
            try await whileOneIsInUse(of: client) {
                let began = ContinuousClock.now
                let error = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
                #expect(error.code == .acquireTimedOut)
                // By default it would be 5 s.
                #expect(ContinuousClock.now - began < .seconds(4))
            }
        }
    }

    @Test func thoseWhoWaitAreCountedAndCanBeCancelled() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 1
            $0.maximumWaiters = 1
        } _: { client throws in
            try await whileOneIsInUse(of: client) {
                // There is room for one of them to wait; the other is refused at once.
                let calls = (0..<2).map { _ in Task { try await client.withConnection { _ in } } }
                let errors = await withTaskGroup(of: (any Error)?.self) { group in
                    for call in calls {
                        group.addTask {
                            if case .failure(let error) = await call.result { error } else { nil }
                        }
                    }
                    let first = await group.next() ?? nil
                    for call in calls { call.cancel() }
                    return [first, await group.next() ?? nil]
                }
                #expect((errors[0] as? PostgresError)?.code == .tooManyWaiters)
                #expect(errors[1] is CancellationError)
            }
        }
    }

    @Test func aBrokenConnectionIsReplaced() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 1
        } _: { client throws in
            let first = try await client.withConnection { try $0.serverProcess() }
            // While it is idle: nobody notices.
            try await terminate(first)
            let second = try await client.withConnection { try $0.serverProcess() }
            #expect(second != first)
            // While it is in use: its user notices, the next one does not.
            let error = try await postgresError {
                try await client.withConnection { try $0.execute("select pg_terminate_backend(pg_backend_pid())") }
            }
            #expect(error.code == .connectionLost)
            #expect(error.sqlState == "57P01")
            let third = try await client.withConnection { try $0.serverProcess() }
            #expect(third != second)
        }
    }

    @Test func anOpenTransactionIsRolledBackWithTheBody() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 1
        } _: { client throws in
            try await client.withConnection { connection throws in
                try connection.script("create table t (a int)")
                try connection.script("begin; insert into t values (1)")
            }
            #expect(try await client.withConnection { try $0.count("t") } == 0)
        }
    }

    @Test func closingWaitsForWorkAndRefusesMore() async throws {
        try await withConfiguration { configuration in
            let client = PostgresClient(configuration: configuration, logger: testLogger())
            let started = DispatchSemaphore(value: 0)
            let work = Task {
                try await client.withConnection { connection throws in
                    started.signal()
                    try connection.query("select pg_sleep(0.2)")
                    return try connection.serverProcess()
                }
            }
            await offThread { started.wait() }
            await client.close()
            _ = try await work.value
            let error = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
            #expect(error.code == .closed)
            await client.close()
            try await withDedicatedConnection(configuration) { dedicated throws in
                try await dedicated.withConnection { connection throws in
                    // A server process sees only after a moment that its client has gone.
                    let limit = ContinuousClock.now + .seconds(20)
                    while try connection.count("pg_stat_activity where datname = current_database()") != 1 {
                        try #require(ContinuousClock.now < limit, "connections are still open")
                        try connection.query("select pg_sleep(0.005)")
                    }
                }
            }
        }
    }

    @Test func asAServiceItClosesAtShutdown() async throws {
        try await withConfiguration { configuration in
            let client = PostgresClient(configuration: configuration, logger: testLogger())
            let group = ServiceGroup(services: [client], logger: testLogger())
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                _ = try await client.withConnection { try $0.serverProcess() }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            let error = try await postgresError { try await client.withConnection { try $0.serverProcess() } }
            #expect(error.code == .closed)
        }
    }

    @Test func aServerThatIsNotThereIsSaidSoWithoutThePassword() async throws {
        for url in ["postgres://me:hunter2@127.0.0.1:1/x", "postgres://me:hunter2@[broken/x", "nonsense=hunter2", "hunter2"] {
            let configuration = PostgresConfiguration(url: url)
            #expect(!configuration.description.contains("hunter2"))
            let client = PostgresClient(configuration: configuration, logger: testLogger())
            let error = try await postgresError { try await client.withConnection { _ in } }
            #expect(error.code == .connectionFailed)
            #expect(!error.description.contains("hunter2"))
            // libpq says it on two lines, the second of which begins with a tab.
            #expect(!error.description.contains { $0.isNewline || $0 == "\t" }, "\(error)")
            let second = try await postgresError {
                try await DedicatedPostgresConnection.open(configuration, logger: testLogger())
            }
            #expect(second.code == .connectionFailed)
            await client.close()
        }
        #expect(PostgresConfiguration(url: "postgres://me:pw@h:5/d").description == "user=me dbname=d host=h port=5")
    }
}

/// Counts how many do something at the same time.
private final class Use: Sendable {
    private let count = Mutex((now: 0, most: 0))

    var most: Int { count.withLock { $0.most } }
    func begin() { count.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
    func end() { count.withLock { $0.now -= 1 } }
}
