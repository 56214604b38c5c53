internal import Domain
internal import LocalStack
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RedisClient
internal import Terminal

/// The Redis of a run: a primary, a replica, and the Sentinel that can make the replica the primary. It does so only when it is
/// told to, because in most faults the same Redis comes back.
struct TortureRedis: Sendable {
    /// How long the primary may be silent outside a failover. This is longer than any other fault.
    static let patience: Duration = .seconds(3600)
    /// How long the primary may be silent in a failover.
    private static let impatience: Duration = .milliseconds(500)
    /// How long a node may take to become the primary, or to follow the new one.
    private static let limit: Duration = .seconds(30)

    let group: RedisGroup
    private let stores: TortureStores
    /// Connections to each node, whatever its role, and to the Sentinel.
    private let nodes: [RedisClient]
    private let sentinel: RedisClient

    init(_ group: RedisGroup, _ stores: TortureStores, logger: Logger) throws {
        func client(_ port: Int, as user: String) throws -> RedisClient {
            let url = "redis://\(user):\(group.nodes[0].password)@127.0.0.1:\(port)"
            var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: url))
            configuration.peer = .sentinel
            return RedisClient(
                configuration: configuration,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: logger
            )
        }
        self.group = group
        self.stores = stores
        nodes = try group.nodes.map { try client($0.port, as: $0.administrator) }
        sentinel = try client(group.sentinels[0].port, as: "default")
    }

    func close() async {
        for client in nodes + [sentinel] { await client.close() }
    }

    /// The node that clients are told is the primary.
    func primary() async throws -> RedisServer {
        let port = try await stores.patiently { try await $0.client.send(["CONFIG", "GET", "port"]) }.array?.last?.string
        guard let node = group.nodes.first(where: { String($0.port) == port }) else {
            throw Refusal("the primary is on port \(port ?? "?"), where no node of this run is")
        }
        return node
    }

    func other(than node: RedisServer) -> RedisServer { group.nodes[0].port == node.port ? group.nodes[1] : group.nodes[0] }

    /// Makes the Sentinel look more often, so that a failover takes less time, and lets it ignore that it was stopped itself.
    /// Pings stay at least 0.2 s apart: once the primary is down, the Sentinel asks a replica each second, and promotes it only
    /// if the last answer is at most five ping periods old.
    func hurry() async throws {
        try await sentinel.connect()
        _ = try await sentinel.send(
            ["SENTINEL", "DEBUG", "ping-period", "250", "info-period", "500", "publish-period", "250", "tilt-trigger", "3600000"]
        )
    }

    /// Lets the Sentinel replace a silent primary, or not.
    func set(impatient: Bool) async throws {
        let time = impatient ? TortureRedis.impatience : TortureRedis.patience
        let milliseconds = String(time.milliseconds)
        let name = SentinelServer.primaryName
        _ = try await sentinel.send(["SENTINEL", "SET", name, "down-after-milliseconds", milliseconds])
    }

    /// Orders a failover, once the Sentinel knows that the replica is fit for it.
    func order() async throws {
        try await until { (try? await sentinel.send(["SENTINEL", "FAILOVER", SentinelServer.primaryName])) != nil }
    }

    /// - Returns: whether the node had this role in time.
    @discardableResult
    func until(_ node: RedisServer, is role: Role) async throws -> Bool {
        try await until {
            let (present, link) = (try await information(node, "role"), try await information(node, "master_link_status"))
            return switch role {
            case .primary: present == "master"
            case .followingReplica: present == "slave" && link == "up"
            }
        }
    }

    enum Role {
        case primary
        case followingReplica
    }

    /// Sends a command to a node, whatever its role.
    func send(_ command: [String], to node: RedisServer) async throws {
        guard let place = group.nodes.firstIndex(where: { $0.port == node.port }) else { return }
        try await nodes[place].connect()
        _ = try await nodes[place].send(command)
    }

    private func information(_ node: RedisServer, _ name: String) async throws -> String? {
        guard let place = group.nodes.firstIndex(where: { $0.port == node.port }) else { return nil }
        return (try? await nodes[place].send(["INFO", "replication"]))?.info[name]
    }

    @discardableResult
    private func until(_ holds: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + TortureRedis.limit
        while ContinuousClock.now < end {
            if try await holds() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
