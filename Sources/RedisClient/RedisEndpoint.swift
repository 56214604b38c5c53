/// The address of Redis, and the user to log in as.
///
/// - `redis://[[user]:password@]host[:port][/db]`, and `rediss://` for TLS
/// - `unix:///path[?db=n&user=name&password=secret]`
/// - `sentinel://[[user]:password@]host[:port][,host[:port]…]/primary[/db][?sentinel_user=name&sentinel_password=secret]`, and
///   `sentinels://` for TLS: the addresses are those of Sentinels, which tell where the primary of that name is. User and
///   password before the addresses are Redis's, those behind them the Sentinels' own.
/// - `cluster://[[user]:password@]host[:port][,host[:port]…]`, and `clusters://` for TLS: some nodes of a Redis Cluster, which tell of
///   the others.
///
/// User, password and path are percent-decoded. An IPv6 address stands in brackets.
public struct RedisEndpoint: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unix(path: String)
        /// The primary of this name, at the address that these Sentinels tell.
        case sentinels([Node], primary: String)
        /// Wherever these nodes of a cluster, or those that they know, say that the slot is.
        case cluster([Node])
    }

    /// The address of a Sentinel, of a node of a cluster, or of a Redis that one of them tells.
    public struct Node: Sendable, Hashable, CustomStringConvertible {
        public let host: String
        public let port: Int

        public var description: String { RedisEndpoint.text(host: host, port: port) }
    }

    public static let defaultPort = 6379
    public static let defaultSentinelPort = 26379

    public let address: Address
    public let isTLS: Bool
    /// `nil`: Redis's user `default`.
    public let user: String?
    public let database: Int
    let password: Password?
    /// The user to log in to the Sentinels as; `nil`: their user `default`.
    let sentinelUser: String?
    let sentinelPassword: Password?

    init(
        address: Address,
        isTLS: Bool,
        user: String?,
        password: Password?,
        database: Int,
        sentinelUser: String? = nil,
        sentinelPassword: Password? = nil
    ) {
        self.address = address
        self.isTLS = isTLS
        self.user = user
        self.password = password
        self.database = database
        self.sentinelUser = sentinelUser
        self.sentinelPassword = sentinelPassword
    }

    /// A Sentinel, or a node of a cluster, as an endpoint of its own.
    func guide(_ node: Node) -> RedisEndpoint {
        let isNode = if case .cluster = address { true } else { false }
        return RedisEndpoint(
            address: .tcp(host: node.host, port: node.port),
            isTLS: isTLS,
            user: isNode ? user : sentinelUser,
            password: isNode ? password : sentinelPassword,
            database: 0
        )
    }

    /// A password, which neither a description nor a dump shows.
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
            let place = RedisEndpoint.text(host: host, port: port)
            return "\(isTLS ? "rediss" : "redis")://\(login)\(place)\(database == 0 ? "" : "/\(database)")"
        case .unix(let path):
            let options =
                (database == 0 ? [] : ["db=\(database)"]) + (user.map { ["user=\($0)"] } ?? [])
                + (password == nil ? [] : ["password=***"])
            return "unix://\(path)\(options.isEmpty ? "" : "?" + options.joined(separator: "&"))"
        case .sentinels(let sentinels, let primary):
            let places = sentinels.map(\.description).joined(separator: ",")
            return "\(isTLS ? "sentinels" : "sentinel")://\(login)\(places)/\(primary)\(database == 0 ? "" : "/\(database)")"
        case .cluster(let nodes):
            return "\(isTLS ? "clusters" : "cluster")://\(login)\(nodes.map(\.description).joined(separator: ","))"
        }
    }

    private var login: String { password == nil ? "" : "\(user ?? ""):***@" }

    static func text(host: String, port: Int) -> String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
