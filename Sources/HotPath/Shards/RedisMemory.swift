/// How much of its memory a Redis uses.
public struct RedisMemory: Sendable, Hashable {
    /// Bytes.
    public let used: Int
    /// `maxmemory`, bytes; `nil`: there is no limit.
    public let limit: Int?

    /// - Parameter info: what `INFO memory` answers.
    init?(info: String) {
        var values: [Substring: Int] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, let value = Int(parts[1]) { values[parts[0]] = value }
        }
        guard let used = values["used_memory"], let limit = values["maxmemory"] else { return nil }
        self.used = used
        self.limit = limit > 0 ? limit : nil
    }

    public func isAbove(share: Double) -> Bool {
        guard let limit else { return false }
        return Double(used) > share * Double(limit)
    }
}

extension RedisClient {
    /// Throws what the command does; `nil`: Redis does not tell.
    public func memory() async throws(RedisError) -> RedisMemory? {
        try await send(["INFO", "memory"]).string.flatMap { RedisMemory(info: $0) }
    }
}
