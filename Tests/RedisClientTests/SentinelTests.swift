import LocalStack
import NIOCore
import TestSupport
import Testing

@testable import RedisClient

/// A client that is told where Redis is by Sentinels, and a Redis that is not the primary any more.
@Suite(.serialized) struct SentinelTests {
    private let plain = RedisOptions.forClient()

    @Test func followsAFailover() async throws {
        try await withRedisGroup(plain, sentinels: 3) { group in
            try await withClient(group.url, loops: 2) { client in
                try await client.connect()
                #expect(try await port(client) == group.nodes[0].port)
                let before = try await id(client)
                // One Sentinel less is no obstacle.
                await group.sentinels[2].kill()
                await group.nodes[0].kill()
                try await until("the other node") {
                    let port = try? await port(client)
                    return client.isConnected && port == group.nodes[1].port
                }
                #expect(try await client.send(["SET", "a", "1"]) == .string("OK"))
                #expect(try await id(client) != before)
                let error = await client.pipelineFailure([["PING"]], to: before)
                #expect(error?.code == .notConnected && error?.outcomeIsUnknown == false)
            }
        }
    }

    /// It is stopped for as long as the failover takes and knows nothing of it: its connections are as they were.
    @Test func leavesAPrimaryThatWasReplacedAndTakesCommandsAgain() async throws {
        try await withRedisGroup(plain) { group in
            try await withClient(group.url) { client in
                try await client.connect()
                let old = try await id(client)
                group.nodes[0].suspend()
                try await until("the other node") { (try? await port(client)) == group.nodes[1].port }
                group.nodes[0].resume()
                for _ in 0..<200 { #expect(try await port(client) == group.nodes[1].port) }
                #expect(try await id(client) != old)
            }
        }
    }

    @Test func saysThatNobodyKnowsThePrimary() async throws {
        try await withRedisGroup(plain) { group in
            let url = group.url.replacing("/\(SentinelServer.primaryName)?", with: "/other?")
            try await withClient(url) { client in
                let error = await client.connectFailure()
                #expect(error?.message.contains("No such master with that name") == true)
            }
            try await withClient(group.url.replacing("sentinel_password=", with: "sentinel_password=x")) { client in
                #expect(await client.connectFailure()?.code == .notConnected)
            }
        }
    }

    @Test func noReplicaIsTakenForAPrimary() async throws {
        try await withRedisGroup(plain) { group in
            // It would put another in the place of a primary that says that it is a replica.
            await group.sentinels[0].kill()
            let (primary, replica) = (group.nodes[0], group.nodes[1])
            try await withClient(replica.url) { client in
                let error = await client.connectFailure()
                #expect(error?.message.contains("it is a replica") == true)
                #expect(error?.message.contains(replica.password) == false)
            }
            // By hand, as an operator may do it: nobody is disconnected.
            try await withClient(primary.url) { client in
                try await client.connect()
                let before = try await id(client)
                #expect(try await client.send(["REPLICAOF", "127.0.0.1", "\(replica.port)"]) == .string("OK"))
                let error = await client.failure(["SET", "a", "1"])
                #expect(error?.serverPrefix == "READONLY" && error?.outcomeIsUnknown == false)
                try await until("the connection is lost") { await client.failure(["PING"])?.code == .notConnected }
                #expect(await client.connectFailure()?.message.contains("it is a replica") == true)
                _ = try await primary.command("REPLICAOF", "NO", "ONE")
                try await client.connectEventually()
                #expect(try await id(client) != before)
            }
        }
    }

    private func port(_ client: RedisClient) async throws -> Int? {
        let info = try await client.send(["CONFIG", "GET", "port"])
        return info.array?.last?.number
    }

    private func id(_ client: RedisClient) async throws -> ReplicationID {
        try await client.pipeline { _ in [["PING"].asArguments] }.from
    }
}
