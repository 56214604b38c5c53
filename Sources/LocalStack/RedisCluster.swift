public import Logging
internal import Subprocess

/// A Redis Cluster: primaries that share the slots, and replicas that take the place of one that is down.
///
/// `redis-cli` makes it, as an operator would.
public struct RedisCluster: Sendable {
    /// The nodes that were primaries at first come first.
    public let nodes: [RedisServer]
    public let primaries: Int

    /// As `RedisEndpoint` takes it.
    public var url: String {
        let login = "\(nodes[0].administrator):\(nodes[0].password)"
        return "cluster://\(login)@\(nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))"
    }

    /// Returns when all nodes agree on who has which slot, and each replica has the data of its primary.
    /// - Parameters:
    ///   - primaries: 3 at least.
    ///   - replicas: of each primary.
    public static func start(
        in directory: String,
        primaries: Int = 3,
        replicas: Int = 1,
        options: RedisOptions = RedisOptions(),
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> RedisCluster {
        var options = options
        options.isClusterNode = true
        var nodes: [RedisServer] = []
        do {
            for number in 0..<(primaries * (1 + replicas)) {
                nodes.append(
                    try await RedisServer.start(
                        in: "\(directory)/node-\(number)",
                        options: options,
                        password: nodes.first?.password,
                        limits: limits,
                        logger: logger
                    )
                )
            }
            let cluster = RedisCluster(nodes: nodes, primaries: primaries)
            try await cluster.join(replicas: replicas, limits)
            return cluster
        } catch {
            for node in nodes { await node.stop() }
            throw error
        }
    }

    /// Stops what `start` has started.
    public func stop() async {
        for node in nodes { await node.stop() }
    }

    /// Makes a cluster of new nodes. Those of an earlier run find each other by themselves.
    private func join(replicas: Int, _ limits: StackLimits) async throws {
        var known: Set<Int> = []
        for node in nodes { known.insert(try await node.knownNodes(limits)) }
        if known == [1] {
            let places = nodes.map { "127.0.0.1:\($0.port)" }
            let create = ["--cluster", "create"] + places + ["--cluster-replicas", String(replicas), "--cluster-yes"]
            _ = try await nodes[0].command(create, limits)
        } else if known != [nodes.count] {
            throw LocalStackError(
                .startFailed,
                "the folder has a cluster of another size than \(nodes.count) nodes: start with a new one"
            )
        }
        let deadline = ContinuousClock.now + limits.startTimeout
        for node in nodes {
            while try await !isReady(node, replicas: primaries * replicas, limits) {
                guard ContinuousClock.now < deadline else {
                    throw LocalStackError(
                        .startFailed,
                        "the cluster does not agree within \(limits.startTimeout.components.seconds) s"
                    )
                }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// A node hears from the others who is a replica, some moments after that one knows it.
    private func isReady(_ node: RedisServer, replicas: Int, _ limits: StackLimits) async throws -> Bool {
        guard try await node.command(["CLUSTER", "INFO"], limits).contains("cluster_state:ok") else { return false }
        let members = try await node.command(["CLUSTER", "NODES"], limits).split(whereSeparator: \.isNewline)
        guard members.count(where: { $0.contains("slave") }) == replicas else { return false }
        let replication = try await node.command(["INFO", "replication"], limits)
        return replication.contains("role:master") || replication.contains("master_link_status:up")
    }
}

extension RedisServer {
    /// 1: the node is in no cluster yet.
    fileprivate func knownNodes(_ limits: StackLimits) async throws -> Int {
        let lines = try await command(["CLUSTER", "INFO"], limits).split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix("cluster_known_nodes:") }.flatMap { Int($0.drop { $0 != ":" }.dropFirst()) } ?? 0
    }

    /// Sends a command as the administrator. Returns the output of redis-cli.
    fileprivate func command(_ arguments: [String], _ limits: StackLimits) async throws -> String {
        guard let program = ServerPrograms.find("redis-cli") ?? ServerPrograms.find("valkey-cli") else {
            throw ServerPrograms.missing("redis-cli", package: "redis-tools")
        }
        let login = ["--user", administrator, "--no-auth-warning"]
        return try await ServerPrograms.run(
            [program, "-h", "127.0.0.1", "-p", String(port)] + login + arguments,
            in: folder,
            environment: ["REDISCLI_AUTH": password],
            limits: limits
        )
    }
}
