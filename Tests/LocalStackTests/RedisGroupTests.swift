import FoundationEssentials
import Glibc
import LocalStack
import ServiceLifecycle
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RedisGroupTests {
    @Test("starts a replica that has its primary's data, and stops everything")
    func starts() async throws {
        let pids = try await withRedisGroup { group async throws in
            let (primary, replica) = (group.nodes[0], group.nodes[1])
            #expect(try await role(primary) == "master")
            #expect(try await role(replica) == "slave")
            #expect(try await primary.cli("SET", "key", "value") == "OK")
            #expect(try await primary.cli("WAIT", "1", "5000") == "1")
            #expect(try await replica.cli("GET", "key") == "value")
            #expect(try await replica.cli("SET", "key", "other").hasPrefix("READONLY"))
            return [primary.pid, replica.pid, group.sentinels[0].pid].compactMap(\.self)
        }
        #expect(pids.count == 3)
        for pid in pids { #expect(try await !isRunning(pid)) }
    }

    @Test("promotes the replica when the primary is killed, and makes that one a replica when it comes back")
    func failsOver() async throws {
        try await withRedisGroup { group in
            let (primary, replica) = (group.nodes[0], group.nodes[1])
            #expect(try await primary.cli("SET", "key", "value") == "OK")
            #expect(try await primary.cli("WAIT", "1", "5000") == "1")
            await primary.kill()
            try await until("promoted", group) { try await role(replica) == "master" }
            #expect(try await replica.cli("GET", "key") == "value")
            try await primary.restart()
            try await until("a replica again", group) { try await role(primary) == "slave" }
            // What the Sentinel has made of it outlasts a restart.
            try await primary.restart()
            #expect(try await role(primary) == "slave")
        }
    }

    @Test("as a part of a stack it ends the stack's service when one of it ends by itself")
    func service() async throws {
        try await withTemporaryFolder { folder in
            var configuration = LocalStackConfiguration(directory: folder)
            configuration.postgres = .forTests
            configuration.sentinels = 1
            let replica = try await LocalStack.withStack(configuration, logger: testLogger()) { stack in
                let service = ServiceGroup(services: [LocalStackService(stack)], logger: testLogger())
                let running = Task { try await service.run() }
                let pid = try #require(stack.group?.sentinels[0].pid)
                #expect(kill(pid, SIGTERM) == 0)
                let error = await #expect(throws: LocalStackError.self) { try await running.value }
                #expect(error?.message.hasPrefix("sentinel on \(folder)/sentinel-0 ended") == true)
                return stack.group?.nodes[1].pid
            }
            #expect(replica == nil)
            try await LocalStack.erase(folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    private func role(_ redis: RedisServer) async throws -> String? {
        try await redis.cli("ROLE").split(separator: "\n").first.map(String.init)
    }

    private func until(_ what: String, _ group: RedisGroup, _ holds: () async throws -> Bool) async throws {
        do { try await TestSupport.until(what, holds) } catch {
            Issue.record("\((try? String(contentsOfFile: "\(group.sentinels[0].directory)/log", encoding: .utf8)) ?? "no log")")
            throw error
        }
    }
}
