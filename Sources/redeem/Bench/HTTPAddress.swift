internal import Foundation
internal import Terminal

/// The address of a server that speaks HTTP.
struct HTTPAddress: Hashable, Sendable, CustomStringConvertible {
    let isTLS: Bool
    let host: String
    let port: Int

    init(_ text: String, of flag: String) throws {
        let remedy = "write it as http://127.0.0.1:8080 or https://redeem.example.org"
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty else {
            throw UsageError("\(flag) is not a URL", remedy: remedy)
        }
        switch parts.scheme?.lowercased() {
        case "http": isTLS = false
        case "https": isTLS = true
        default: throw UsageError("\(flag) is neither http nor https", remedy: remedy)
        }
        guard parts.path.isEmpty || parts.path == "/", parts.query == nil else {
            throw UsageError("\(flag) has more than a host and a port", remedy: remedy)
        }
        // An IPv6 address is in brackets in a URL, and nowhere else.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? (isTLS ? 443 : 80)
    }

    /// The value of the field `Host`.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    var description: String { "\(isTLS ? "https" : "http")://\(authority)" }
}
