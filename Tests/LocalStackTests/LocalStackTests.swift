import FoundationEssentials
import Glibc
import LocalStack
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LocalStackTests {
    @Test("starts both servers, and stops both however the body ends")
    func withStack() async throws {
        struct Failure: Error {}
        try await withTemporaryFolder { folder in
            let configuration = configuration(folder)
            let pids = try await LocalStack.withStack(configuration, logger: testLogger()) { stack in
                #expect(try await stack.redis.cli("PING") == "PONG")
                #expect(try await stack.postgres.psql("CREATE TABLE t AS SELECT 7 AS n") == "SELECT 1")
                return [try #require(stack.redis.pid), try #require(stack.postgres.pid)]
            }
            for pid in pids { #expect(try await !isRunning(pid)) }
            await #expect(throws: Failure.self) {
                try await LocalStack.withStack(configuration, logger: testLogger()) { stack in
                    #expect(try await stack.postgres.psql("SELECT n FROM t") == "7")
                    throw Failure()
                }
            }
            try await LocalStack.erase(folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    @Test("leaves nothing behind when one of the two cannot start")
    func oneFails() async throws {
        try await withTemporaryFolder { folder in
            var configuration = configuration(folder)
            configuration.redis.extra = ["no-such-setting 1"]
            await #expect(throws: LocalStackError.self) { try await LocalStack.start(configuration, logger: testLogger()) }
            // Erasing needs the locks, which only a folder without a server gives.
            try await LocalStack.erase(folder)
        }
    }

    @Test("as a service, ends its group when a server ends by itself, and stops the other one")
    func service() async throws {
        try await withTemporaryFolder { folder in
            let stack = try await LocalStack.start(configuration(folder), logger: testLogger())
            let group = ServiceGroup(services: [LocalStackService(stack)], logger: testLogger())
            let running = Task { try await group.run() }
            #expect(try await stack.redis.cli("SHUTDOWN", "NOSAVE") == "")
            let error = await #expect(throws: LocalStackError.self) { try await running.value }
            #expect(error?.message.hasPrefix("redis-server on \(folder)/redis ended") == true)
            #expect(stack.postgres.pid == nil)
        }
    }

    @Test("as a service, stops both on graceful shutdown")
    func serviceShutdown() async throws {
        try await withTemporaryFolder { folder in
            let stack = try await LocalStack.start(configuration(folder), logger: testLogger())
            let group = ServiceGroup(services: [LocalStackService(stack)], logger: testLogger())
            let running = Task { try await group.run() }
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(stack.redis.pid == nil && stack.postgres.pid == nil)
        }
    }

    @Test(
        "puts the data elsewhere, and finds it again, when the servers' user cannot enter the folder",
        .enabled(if: geteuid() == 0)
    )
    func unreachableFolder() async throws {
        try await withTemporaryFolder { folder in
            #expect(chmod(folder, 0o700) == 0)
            let directory = "\(folder)/.redeem"
            try await LocalStack.withStack(configuration(directory), logger: testLogger(level: .error)) { stack async throws in
                #expect(
                    stack.redis.directory
                        == "/var/lib/redeem/\(folder.dropFirst().replacing("/", with: "%2F"))%2F.redeem/redis"
                )
                #expect(try await stack.redis.cli("SET", "key", "value") == "OK")
            }
            try await LocalStack.withStack(configuration(directory), logger: testLogger(level: .error)) { stack async throws in
                #expect(try await stack.redis.cli("GET", "key") == "value")
            }
            try await LocalStack.erase(directory)
        }
    }

    private func configuration(_ folder: String) -> LocalStackConfiguration {
        var configuration = LocalStackConfiguration(directory: folder)
        configuration.postgres = .forTests
        return configuration
    }
}
