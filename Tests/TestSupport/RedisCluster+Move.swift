public import LocalStack
public import RedisClient

/// How an operator moves a slot.
public enum SlotMove: Sendable {
    /// Key by key, as `redis-cli --cluster reshard` does, without a key that does not come along. It is so where the target dies in the
    /// middle and its replica lacks it.
    case byKey(without: String? = nil)
    /// All of it at once, by `CLUSTER MIGRATESLOTS`, which Valkey 9 has.
    case atOnce

    /// Whether the server that the tests run has the command.
    public static let canBeAtOnce: @Sendable () async throws -> Bool = {
        try await withRedis { redis in
            let known = try await redis.command("COMMAND", "INFO", "cluster|migrateslots").array ?? []
            return known.contains { $0.array != nil }
        }
    }
}

extension RedisCluster {
    /// Another one of those that were primaries at first.
    public func primary(butFor node: RedisServer) -> RedisServer? { nodes[..<primaries].first { $0.port != node.port } }

    /// Returns when both nodes know it.
    public func move(_ slot: HashSlot, from source: RedisServer, to target: RedisServer, _ move: SlotMove = .byKey()) async throws
    {
        switch move {
        case .byKey(let lost): try await moveByKey(slot, from: source, to: target, without: lost)
        case .atOnce: try await moveAtOnce(slot, from: source, to: target)
        }
    }

    private func moveAtOnce(_ slot: HashSlot, from source: RedisServer, to target: RedisServer) async throws {
        let part = ["SLOTSRANGE", slot.description, slot.description, "NODE", try await id(of: target)]
        guard try await source.command(["CLUSTER", "MIGRATESLOTS"] + part).string == "OK" else {
            throw TestFailure("no migration of slot \(slot)")
        }
        try await until("slot \(slot) has moved") {
            // The latest comes first.
            let latest = try await source.command("CLUSTER", "GETSLOTMIGRATIONS").array?.first?.dictionary ?? [:]
            let state = latest["state"]?.string
            if state == "failed" { throw TestFailure("\(latest["message"]?.string ?? "no message")") }
            return state == "success"
        }
    }

    private func moveByKey(_ slot: HashSlot, from source: RedisServer, to target: RedisServer, without lost: String?) async throws
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
