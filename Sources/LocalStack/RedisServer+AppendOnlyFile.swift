import FoundationEssentials

/// Ways for a test to change the append-only file. It is a folder of that name with a manifest, a base and later increments
/// (Redis 7.0, "Multi Part AOF").
extension RedisServer {
    private static let files = "appendonlydir"

    /// The bytes of the whole file.
    public var appendOnlyFileBytes: Int { (try? parts().reduce(0) { $0 + $1.bytes }) ?? 0 }

    /// The bytes of the increment that Redis writes to.
    public var growingAppendOnlyFileBytes: Int { (try? lastIncrement())??.bytes ?? 0 }

    /// Keeps a copy beside the file. The server may run, unless it rewrites the file meanwhile.
    public func copyAppendOnlyFile() async throws {
        try await run("rm", "-rf", "appendonlydir.copy")
        try await run("cp", "-a", RedisServer.files, "appendonlydir.copy")
    }

    /// Puts the copy in the file's place. The server must be down.
    public func restoreAppendOnlyFile() async throws {
        try await removeAppendOnlyFile()
        try await run("mv", "-T", "appendonlydir.copy", RedisServer.files)
    }

    /// The server must be down.
    public func removeAppendOnlyFile() async throws { try await run("rm", "-rf", RedisServer.files) }

    /// Cuts off the end. The server must be down.
    /// - Returns: how many bytes were cut off.
    public func truncateAppendOnlyFile(by bytes: Int) async throws -> Int {
        guard let last = try lastIncrement() else { return 0 }
        let rest = max(0, last.bytes - bytes)
        try await run("truncate", "-s", String(rest), "\(RedisServer.files)/\(last.name)")
        return last.bytes - rest
    }

    /// The increment with the highest number.
    private func lastIncrement() throws -> (name: String, number: Int, bytes: Int)? {
        let increments = try parts().filter { $0.name.hasSuffix(".aof") && $0.name.contains(".incr.") }
        return increments.max { $0.number < $1.number }
    }

    private func parts() throws -> [(name: String, number: Int, bytes: Int)] {
        let path = "\(directory)/\(RedisServer.files)"
        return try FileManager.default.contentsOfDirectory(atPath: path).map { name in
            let size = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.size] as? Int
            return (name, name.split(separator: ".").compactMap { Int($0) }.first ?? 0, size ?? 0)
        }
    }

    private func run(_ command: String...) async throws { try await ServerPrograms.run(command, in: folder, limits: limits) }
}
