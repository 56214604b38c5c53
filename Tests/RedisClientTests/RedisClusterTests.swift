import LocalStack
import TestSupport
import Testing

@testable import RedisClient

/// A client that is told where Redis is by a cluster, of which one node has the client's slot.
@Suite(.serialized) struct RedisClusterTests {
    private let plain = RedisOptions.forClient()
    private let key = "{s0}:a"
    private var slot: HashSlot { HashSlot(of: key) }

    @Test func followsAFailover() async throws {
        try await withRedisCluster(plain) { cluster in
            try await withClient(cluster.url, loops: 2, { $0.slot = slot }) { client in
                try await client.connect()
                let first = try await node(client, of: cluster)
                let before = try await id(client)
                #expect(try await client.send(["SET", key, "1"]) == .string("OK"))
                await first.kill()
                try await until("a replica has the slot") {
                    guard let port = try? await port(client) else { return false }
                    return client.isConnected && port != first.port
                }
                #expect(try await client.send(["GET", key]) == .string("1"))
                #expect(try await id(client) != before)
            }
        }
    }

    /// It is stopped for as long as the failover takes and knows nothing of it: its connections are as they were.
    @Test func leavesAPrimaryThatWasReplacedAndTakesCommandsAgain() async throws {
        try await withRedisCluster(plain) { cluster in
            try await withClient(cluster.url, { $0.slot = slot }) { client in
                try await client.connect()
                let first = try await node(client, of: cluster)
                first.suspend()
                try await until("a replica has the slot") {
                    guard let port = try? await port(client) else { return false }
                    return port != first.port
                }
                first.resume()
                for _ in 0..<200 { #expect(try await port(client) != first.port) }
            }
        }
    }

    @Test func followsASlotThereAndBack() async throws {
        try await withRedisCluster(plain) { cluster in
            try await withClient(cluster.url, { $0.slot = slot }) { client in
                try await client.connect()
                let first = try await node(client, of: cluster)
                let other = try #require(cluster.primary(butFor: first))
                let before = try await id(client)
                #expect(try await client.send(["SET", key, "1"]) == .string("OK"))

                try await cluster.move(slot, from: first, to: other)
                try await until("the other node") { (try? await port(client)) == other.port }
                #expect(try await client.send(["GET", key]) == .string("1"))
                let between = try await id(client)
                let error = await client.pipelineFailure([["PING"]], to: before)
                #expect(error?.code == .notConnected && error?.outcomeIsUnknown == false)

                try await cluster.move(slot, from: other, to: first)
                try await until("the first node") { (try? await port(client)) == first.port }
                let after = try await id(client)
                #expect(
                    Set([before, between, after].map(\.description)).count == 3,
                    "the first node has another name than before"
                )
            }
        }
    }

    /// Between two looks at the cluster: what was sent to the wrong node was not carried out, and the node is left at once.
    @Test func leavesANodeThatSaysMoved() async throws {
        try await withRedisCluster(plain) { cluster in
            let adapt: (inout RedisConfiguration) -> Void = {
                $0.slot = slot
                $0.watchInterval = .seconds(3600)
            }
            try await withClient(cluster.url, adapt) { client in
                try await client.connect()
                let first = try await node(client, of: cluster)
                let other = try #require(cluster.primary(butFor: first))
                try await cluster.move(slot, from: first, to: other)
                try await until("the other node") {
                    switch await client.failure(["SET", key, "1"]) {
                    case nil: return true
                    case let error?:
                        #expect(error.isSlotAway || error.code == .notConnected, "\(error)")
                        #expect(!error.outcomeIsUnknown)
                        return false
                    }
                }
                #expect(try await port(client) == other.port)
            }
        }
    }

    /// Its epochs begin again, and the other nodes are others: one URL names the first node alone.
    @Test func followsAClusterThatWasMadeInPlaceOfAnother() async throws {
        try await withRedisCluster(plain) { cluster in
            let first = cluster.nodes[0]
            let url = "cluster://\(first.administrator):\(first.password)@127.0.0.1:\(first.port)"
            try await withClient(url, { $0.slot = slot }) { client in
                try await client.connect()
                let before = try await port(client)
                for node in cluster.nodes { try await node.command("CLUSTER", "RESET", "HARD") }
                // They were replicas. The one that gets the slot has the lowest epoch.
                let members = [cluster.nodes[3], first, cluster.nodes[4]]
                for (index, slots) in [("0", "16381"), ("16382", "16382"), ("16383", "16383")].enumerated() {
                    try await members[index].command("CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
                    try await members[index].command("CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1)
                }
                for node in members where node.port != first.port {
                    try await node.command("CLUSTER", "MEET", "127.0.0.1", "\(first.port)")
                }
                try await until("a node of the new cluster") {
                    let port = try? await port(client)
                    return port == members[0].port && port != before
                }
            }
        }
    }

    @Test func saysWhyNobodyHasTheSlot() async throws {
        try await withRedis(plain) { redis in
            let url = redis.url.replacing("redis://", with: "cluster://")
            try await withClient(url, { $0.slot = slot }) { client in
                let error = await client.connectFailure()
                #expect(error?.message.contains("cluster support disabled") == true, "\(String(describing: error))")
            }
        }
        var node = plain
        node.isClusterNode = true
        try await withRedis(node) { redis in
            let url = redis.url.replacing("redis://", with: "cluster://")
            try await withClient(url, { $0.slot = HashSlot(7) }) { client in
                let error = await client.connectFailure()
                #expect(error?.message.contains("no node of the cluster has slot 7") == true, "\(String(describing: error))")
            }
        }
    }

    private func port(_ client: RedisClient) async throws -> Int? {
        try await client.send(["CONFIG", "GET", "port"]).array?.last?.number
    }

    private func node(_ client: RedisClient, of cluster: RedisCluster) async throws -> RedisServer {
        let port = try await port(client)
        return try #require(cluster.nodes.first { $0.port == port })
    }

    private func id(_ client: RedisClient) async throws -> ReplicationID {
        try await client.pipeline { _ in [["PING"].asArguments] }.from
    }
}
