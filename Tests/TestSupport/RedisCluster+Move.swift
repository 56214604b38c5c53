public import LocalStack
public import RedisClient

extension RedisCluster {
    /// Another one of those that were primaries at first.
    public func primary(butFor node: RedisServer) -> RedisServer? { nodes[..<primaries].first { $0.port != node.port } }

    /// Moves a slot, step by step as `redis-cli --cluster reshard` does.
    /// - Parameter lost: a key that does not come along, as it is where the target dies in the middle and its replica lacks it.
    public func move(_ slot: HashSlot, from source: RedisServer, to target: RedisServer, without lost: String? = nil) async throws
    {
        let targetID = try await id(of: target)
        try await open(slot, from: source, to: target)
        while true {
            let keys = try await source.command("CLUSTER", "GETKEYSINSLOT", slot.description, "100").array ?? []
            if keys.isEmpty { break }
            for key in keys.compactMap(\.string) {
                if key == lost {
                    _ = try await source.command("DEL", key)
                } else {
                    try await migrate(key, from: source, to: target)
                }
            }
        }
        for node in [target, source] { _ = try await node.command("CLUSTER", "SETSLOT", slot.description, "NODE", targetID) }
    }

    /// Begins to move a slot. No key is on its way yet.
    public func open(_ slot: HashSlot, from source: RedisServer, to target: RedisServer) async throws {
        try await target.command("CLUSTER", "SETSLOT", slot.description, "IMPORTING", try await id(of: source))
        try await source.command("CLUSTER", "SETSLOT", slot.description, "MIGRATING", try await id(of: target))
    }

    /// Leaves the slot where it is, on all nodes that were primaries at first.
    public func close(_ slot: HashSlot) async throws {
        for node in nodes[..<primaries] { try await node.command("CLUSTER", "SETSLOT", slot.description, "STABLE") }
    }

    private func migrate(_ key: String, from source: RedisServer, to target: RedisServer) async throws {
        let login = ["AUTH2", target.administrator, target.password]
        _ = try await source.command(["MIGRATE", "127.0.0.1", "\(target.port)", key, "0", "5000"] + login)
    }

    private func id(of node: RedisServer) async throws -> String {
        guard let id = try await node.command("CLUSTER", "MYID").string else { throw TestFailure("a node without an id") }
        return id
    }
}
