internal import Foundation

/// Where a server listens.
struct HTTPAddress: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: Int

    init(_ text: String, of flag: String) throws {
        let remedy = "write it as http://127.0.0.1:8080"
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty else {
            throw UsageError("\(flag) is not a URL", remedy: remedy)
        }
        guard parts.scheme == "http" else {
            throw UsageError("\(flag) is not http; the load generator speaks no TLS", remedy: remedy)
        }
        guard parts.path.isEmpty || parts.path == "/", parts.query == nil else {
            throw UsageError("\(flag) has more than a host and a port", remedy: remedy)
        }
        // An IPv6 address is in brackets in a URL, and nowhere else.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? 80
    }

    /// Of the field `Host`.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    var description: String { "http://\(authority)" }
}
