extension RedisServer {
    /// Lets no file of the running server grow beyond so many bytes, as on a full disk: a write that would do so fails (EFBIG).
    /// `nil` takes the limit away. A server that starts has no limit.
    public func limitFiles(toBytes bytes: Int?) async throws {
        guard let pid else { throw LocalStackError(.exited, "redis-server is down") }
        // Only the soft limit is set, because everybody may raise that again.
        let limit = bytes.map { String($0) } ?? "unlimited"
        try await ServerPrograms.run(["prlimit", "--pid", String(pid), "--fsize=\(limit):"], in: folder, limits: limits)
    }
}
