extension RedisServer {
    /// From now on no file of the running server grows beyond so many bytes, as on a disk that is full: a write that would fails
    /// (EFBIG). `nil`: no limit again. A server that starts has none.
    public func limitFiles(toBytes bytes: Int?) async throws {
        guard let pid else { throw LocalStackError(.exited, "redis-server is down") }
        // The soft limit alone: anybody may raise that again.
        let limit = bytes.map { String($0) } ?? "unlimited"
        try await ServerPrograms.run(["prlimit", "--pid", String(pid), "--fsize=\(limit):"], in: folder, limits: limits)
    }
}
