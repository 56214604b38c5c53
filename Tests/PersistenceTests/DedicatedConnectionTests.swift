import Domain
import Persistence
import PostgresClient
import Synchronization
import TestSupport
import Testing

@Suite struct DedicatedConnectionTests {
    private func migrate(_ configuration: PostgresConfiguration) async throws {
        try await withDedicatedConnection(configuration) { dedicated in
            _ = try await dedicated.withConnection { try Migrator().run(on: $0) }
        }
    }

    @Test func aNotificationWakesAtOnce() async throws {
        try await withConfiguration { configuration in
            try await migrate(configuration)
            try await withDedicatedConnection(configuration) { listener throws in
                try await listener.listen(to: .control)
                try await listener.listen(to: .cursor)
                try await withDedicatedConnection(configuration) { writer throws in
                    let waiting = Task {
                        let began = ContinuousClock.now
                        return (try await listener.waitForNotification(timeout: .seconds(30)), ContinuousClock.now - began)
                    }
                    try await writer.withConnection { connection throws in
                        try connection.query("select pg_sleep(0.1)")
                        _ = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                    }
                    let (notifications, duration) = try await waiting.value
                    #expect(notifications == [PostgresNotification(channel: "redeem_control", payload: "1")])
                    #expect(duration < .seconds(5))
                    try await writer.withConnection { connection throws in
                        _ = try connection.beginEpoch(shard, after: nil)
                        _ = try connection.land(LandingBatch(shard: shard, cursor: start, entries: [], last: stream(1)))
                        // A transaction that is rolled back tells nobody.
                        #expect(throws: PostgresError.self) {
                            try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                        }
                    }
                    var payloads: [String] = []
                    while payloads.count < 2 {
                        let received = try await listener.waitForNotification(timeout: .seconds(30))
                        try #require(!received.isEmpty)
                        payloads += received.map { "\($0.channel) \($0.payload)" }
                    }
                    #expect(payloads == ["redeem_cursor 0 1 0-0", "redeem_cursor 0 1 \(stream(1))"])
                    #expect(try await listener.waitForNotification(timeout: .milliseconds(20)) == [])
                }
            }
        }
    }

    @Test func notificationsThatCameDuringOtherWorkAreNotLost() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { dedicated throws in
                try await dedicated.listen(to: .control)
                try await dedicated.withConnection { connection throws in
                    try connection.script("select pg_notify('redeem_control', '1'); select pg_notify('redeem_control', '2')")
                    try connection.query("select 1")
                }
                let began = ContinuousClock.now
                let notifications = try await dedicated.waitForNotification(timeout: .seconds(30))
                #expect(notifications.map(\.payload) == ["1", "2"])
                #expect(ContinuousClock.now - began < .seconds(5))
            }
        }
    }

    @Test func waitingEndsWithItsTimeout() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { dedicated throws in
                let began = ContinuousClock.now
                #expect(try await dedicated.waitForNotification(timeout: .milliseconds(50)) == [])
                let duration = ContinuousClock.now - began
                #expect(duration >= .milliseconds(50))
                #expect(duration < .seconds(5))
                #expect(try await dedicated.waitForNotification(timeout: .zero) == [])
            }
        }
    }

    @Test func waitingEndsWhenCancelledClosedOrNeeded() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { dedicated throws in
                let began = ContinuousClock.now
                let cancelled = Task { try await dedicated.waitForNotification(timeout: .seconds(60)) }
                try await Task.sleep(for: .milliseconds(20))
                cancelled.cancel()
                await #expect(throws: CancellationError.self) { try await cancelled.value }

                let isOver = Atomic(false)
                let interrupted = Task {
                    defer { isOver.store(true, ordering: .relaxed) }
                    return try await dedicated.waitForNotification(timeout: .seconds(60))
                }
                // Again and again: one that does not wait yet is not interrupted.
                repeat {
                    try await Task.sleep(for: .milliseconds(5))
                    _ = try await dedicated.withConnection { try $0.serverProcess() }
                } while !isOver.load(ordering: .relaxed)
                #expect(try await interrupted.value == [])

                let closed = Task { try await dedicated.waitForNotification(timeout: .seconds(60)) }
                try await Task.sleep(for: .milliseconds(20))
                await dedicated.close()
                #expect(try await postgresError { try await closed.value }.code == .closed)
                #expect(try await postgresError { try await dedicated.withConnection { _ in } }.code == .closed)
                #expect(try await postgresError { try await dedicated.waitForNotification(timeout: .zero) }.code == .closed)
                #expect(ContinuousClock.now - began < .seconds(20))
            }
        }
    }

    @Test func aLostSessionStaysLost() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { dedicated throws in
                let process = try await dedicated.withConnection { try $0.serverProcess() }
                let waiting = Task { try await dedicated.waitForNotification(timeout: .seconds(60)) }
                try await Task.sleep(for: .milliseconds(20))
                try await terminate(process)
                let error = try await postgresError { try await waiting.value }
                #expect(error.code == .connectionLost)
                #expect(error.sqlState == "57P01")
                for _ in 0..<2 {
                    #expect(
                        try await postgresError { try await dedicated.withConnection { try $0.serverProcess() } }.code
                            == .connectionLost
                    )
                    let waiting = try await postgresError { try await dedicated.waitForNotification(timeout: .seconds(60)) }
                    #expect(waiting.code == .connectionLost)
                    let begun = try await postgresError { try await dedicated.transaction { try $0.serverProcess() } }
                    #expect(begun.code == .connectionLost)
                }
            }
        }
    }

    @Test func aShardHasOneOwnerAndLosesItWithTheSession() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { second throws in
                try await withDedicatedConnection(configuration) { first throws in
                    let one = Shard(index: 1)
                    #expect(try await first.withConnection { try $0.tryLock(shard) })
                    // Again is the same lock, not a second one.
                    #expect(try await first.withConnection { try $0.tryLock(shard) })
                    #expect(try await first.withConnection { try $0.holdsLock(shard) })
                    #expect(try await first.withConnection { try !$0.holdsLock(one) })
                    #expect(try await !second.withConnection { try $0.tryLock(shard) })
                    #expect(try await second.withConnection { try !$0.holdsLock(shard) })
                    #expect(try await second.withConnection { try $0.tryLock(one) })
                    try await first.withConnection { try $0.unlock(shard) }
                    #expect(try await second.withConnection { try $0.tryLock(shard) })
                    try await second.withConnection { try $0.unlock(shard) }
                    #expect(try await first.withConnection { try $0.tryLock(shard) })
                    let process = try await first.withConnection { try $0.serverProcess() }
                    try await terminate(process)
                    #expect(try await second.withConnection { try $0.tryLock(shard) })
                    let error = try await postgresError { try await first.withConnection { try $0.holdsLock(shard) } }
                    #expect(error.code == .connectionLost)
                }
            }
        }
    }

    /// So a stopped owner loses its shard.
    @Test func anIdleSessionMayHaveALimit() async throws {
        try await withConfiguration { configuration in
            var limited = configuration
            limited.idleSessionTimeout = .milliseconds(1500)
            try await withDedicatedConnection(limited) { dedicated throws in
                #expect(try await dedicated.withConnection { try $0.tryLock(shard) })
                let error = try await postgresError { try await dedicated.waitForNotification(timeout: .seconds(30)) }
                #expect(error.code == .connectionLost)
                #expect(error.sqlState == "57P05")
                try await withDedicatedConnection(configuration) { next throws in
                    // Postgres says that it ends a session before it gives back what that holds.
                    try await until("the lock is free") { try await next.withConnection { try $0.tryLock(shard) } }
                }
            }
        }
    }
}
