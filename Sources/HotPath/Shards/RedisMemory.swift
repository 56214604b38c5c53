public import RedisClient

/// The memory that a Redis uses, and its limit.
public struct RedisMemory: Sendable, Hashable {
    /// Bytes.
    public let used: Int
    /// `maxmemory`, bytes; `nil`: there is no limit.
    public let limit: Int?

    /// - Parameter reply: to `INFO memory`.
    init?(_ reply: RESPValue) {
        let info = reply.info
        guard let used = info["used_memory"].flatMap({ Int($0) }), let limit = info["maxmemory"].flatMap({ Int($0) }) else {
            return nil
        }
        self.used = used
        self.limit = limit > 0 ? limit : nil
    }

    public func isAbove(share: Double) -> Bool {
        guard let limit else { return false }
        return Double(used) > share * Double(limit)
    }
}

extension RedisClient {
    /// Asks Redis how much of its memory it uses; `nil`: it does not tell.
    public func memory() async throws(RedisError) -> RedisMemory? {
        RedisMemory(try await send(["INFO", "memory"]))
    }
}
