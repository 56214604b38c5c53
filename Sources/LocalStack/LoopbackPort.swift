import Glibc

/// Finds TCP ports of 127.0.0.1 that no one listens on.
enum LoopbackPort {
    /// Ports below the range that Linux takes the ports of outgoing connections from (`ip_local_port_range`, from 32768). While
    /// the server is down, Linux could give a port of that range to any client, even to one that tries to reach this very server.
    /// That client would be connected to itself, and the server could not come back.
    private static let candidates = 18000..<32768

    /// A port that is free now. Another process may take it before the server does; then the start is tried again.
    static func free() throws(LocalStackError) -> Int {
        for _ in 0..<200 {
            let port = Int.random(in: candidates)
            if isFree(port) { return port }
        }
        throw LocalStackError(
            .startFailed,
            "found no free TCP port on 127.0.0.1 from \(candidates.lowerBound) to \(candidates.upperBound - 1)"
        )
    }

    static func isFree(_ port: Int) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        // The servers set this too, so that an earlier server's connection in TIME_WAIT is no obstacle.
        var yes: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

extension LoopbackPort {
    /// Starts a server on the folder's port. If another process has taken that port before the server could, another port is
    /// tried.
    static func attempts<T>(_ count: Int, from folder: ServerFolder, _ start: (Int) async throws -> T) async throws -> T {
        var port = try folder.port()
        for _ in 1..<count {
            do {
                return try await start(port)
            } catch let error as LocalStackError where error.output.contains(where: { $0.contains("Address already in use") }) {
                port = try free()
            }
        }
        return try await start(port)
    }
}
