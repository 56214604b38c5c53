internal import LocalStack
internal import NIOCore

/// The proxies of a run: one for each pair of programs that talk to each other, so that each link can fail alone.
struct TortureLinks: Sendable {
    /// The proxies between clients and each server.
    let clients: [FaultProxy]
    let serverRedis: [RedisLink]
    let serverPostgres: [FaultProxy]
    let syncRedis: [RedisLink]
    let syncPostgres: [FaultProxy]
    /// The proxy between operators and Postgres.
    let operators: FaultProxy

    var all: [FaultProxy] {
        let redis = (serverRedis + syncRedis).flatMap { $0.nodes + [$0.sentinel] }
        return clients + redis + serverPostgres + syncPostgres + [operators]
    }

    static func start(redis: RedisGroup, postgres: Int, on group: any EventLoopGroup) async throws -> TortureLinks {
        func two(to port: Int) async throws -> [FaultProxy] {
            [try await FaultProxy.start(to: port, on: group), try await FaultProxy.start(to: port, on: group)]
        }
        return TortureLinks(
            // The targets are set when the servers listen. Nobody listens on port 1 meanwhile.
            clients: try await two(to: 1),
            serverRedis: [try await .start(to: redis, on: group), try await .start(to: redis, on: group)],
            serverPostgres: try await two(to: postgres),
            syncRedis: [try await .start(to: redis, on: group), try await .start(to: redis, on: group)],
            syncPostgres: try await two(to: postgres),
            operators: try await FaultProxy.start(to: postgres, on: group)
        )
    }

    func heal() async { for proxy in all { await proxy.set(.none) } }

    func stop() async { for proxy in all { await proxy.stop() } }
}

/// The proxies between one program and the nodes and Sentinel of Redis. The Sentinel's proxy names the nodes' proxies in place of
/// the nodes.
struct RedisLink: Sendable {
    let nodes: [FaultProxy]
    let sentinel: FaultProxy

    static func start(to redis: RedisGroup, on group: any EventLoopGroup) async throws -> RedisLink {
        var nodes: [FaultProxy] = []
        var substitutions: [Substitution] = []
        for node in redis.nodes {
            let proxy = try await FaultProxy.start(to: node.port, on: group)
            nodes.append(proxy)
            // Both ports have five digits: private servers listen on 18000 and above, and proxies on ports that Linux gives to
            // clients.
            substitutions.append(Substitution("$5\r\n\(node.port)\r\n", with: "$5\r\n\(proxy.port)\r\n", in: .replies))
        }
        let sentinel = try await FaultProxy.start(to: redis.sentinels[0].port, substituting: substitutions, on: group)
        return RedisLink(nodes: nodes, sentinel: sentinel)
    }
}
