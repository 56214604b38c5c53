/// Where Redis is, and who we are there.
///
/// - `redis://[[user]:password@]host[:port][/db]`, and `rediss://` for TLS
/// - `unix:///path[?db=n&user=name&password=secret]`
///
/// User, password and path are percent-decoded. An IPv6 address stands in brackets.
public struct RedisEndpoint: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public static let defaultPort = 6379

    public let address: Address
    public let isTLS: Bool
    /// `nil`: Redis's user `default`.
    public let user: String?
    public let database: Int
    let password: Password?

    init(address: Address, isTLS: Bool, user: String?, password: Password?, database: Int) {
        self.address = address
        self.isTLS = isTLS
        self.user = user
        self.password = password
        self.database = database
    }

    /// A text that shows itself neither in a description nor in a dump.
    struct Password: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        let text: String

        var description: String { "***" }
        var customMirror: Mirror { Mirror(self, children: []) }
    }
}

extension RedisEndpoint: CustomStringConvertible {
    /// The URL, with `***` for the password.
    public var description: String {
        switch address {
        case .tcp(let host, let port):
            let login = password == nil ? "" : "\(user ?? ""):***@"
            let host = host.contains(":") ? "[\(host)]" : host
            return "\(isTLS ? "rediss" : "redis")://\(login)\(host):\(port)\(database == 0 ? "" : "/\(database)")"
        case .unix(let path):
            let options =
                (database == 0 ? [] : ["db=\(database)"]) + (user.map { ["user=\($0)"] } ?? [])
                + (password == nil ? [] : ["password=***"])
            return "unix://\(path)\(options.isEmpty ? "" : "?" + options.joined(separator: "&"))"
        }
    }
}
