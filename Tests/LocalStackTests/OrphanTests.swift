import FoundationEssentials
import Glibc
import LocalStack
import TestSupport
import Testing

/// The servers' parent is killed, for which the test runs it as a process of its own.
@Suite(.timeLimit(.minutes(5)))
struct OrphanTests {
    @Test("both servers end by themselves, in order and with their data, when their parent is killed")
    func parentKilled() async throws {
        try await withTemporaryFolder { folder in
            let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
                [folder = folder as String] in
                var configuration = LocalStackConfiguration(directory: folder)
                configuration.postgres = .forTests
                let stack = try await LocalStack.start(configuration, logger: testLogger())
                _ = try await stack.redis.cli("SET", "key", "value")
                _ = try await stack.postgres.psql("CREATE TABLE t AS SELECT 7 AS n")
                tell("pids \(stack.redis.pid!) \(stack.postgres.pid!)")
                kill(getpid(), SIGKILL)
            }
            let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
            let line = try #require(output.split(separator: "\n").first { $0.hasPrefix("pids ") })
            let pids = line.split(separator: " ").dropFirst().compactMap { pid_t($0) }
            try #require(pids.count == 2)

            // A start on the same data at once waits for the end of the servers before.
            var configuration = LocalStackConfiguration(directory: folder)
            configuration.postgres = .forTests
            try await LocalStack.withStack(configuration, logger: testLogger()) { stack async throws in
                for pid in pids { #expect(try await !isRunning(pid)) }
                #expect(try await stack.redis.cli("GET", "key") == "value")
                #expect(try await stack.postgres.psql("SELECT n FROM t") == "7")
            }
            let log = try String(contentsOfFile: "\(folder)/postgres/log", encoding: .utf8)
            #expect(!log.contains("not properly shut down"))
        }
    }

    @Test("a temporary folder goes when the process that made it does, and suspended servers too")
    func temporaryFolder() async throws {
        let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
            let folder = try await TemporaryFolder.make()
            let redis = try await RedisServer.start(in: "\(folder)/redis", logger: testLogger())
            redis.suspend()
            tell("left \(folder) \(redis.pid!)")
            kill(getpid(), SIGKILL)
        }
        let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
        let words = try #require(output.split(separator: "\n").first { $0.hasPrefix("left ") }).split(separator: " ")
        try await waitForEnd(of: try #require(pid_t(words[2])))
        // The janitor removes the folder when the server has gone.
        try await until("the folder has gone") { !FileManager.default.fileExists(atPath: String(words[1])) }
    }
}
