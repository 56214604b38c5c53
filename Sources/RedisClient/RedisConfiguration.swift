/// The address of Redis, and the limits of each connection to it.
public struct RedisConfiguration: Sendable {
    public var endpoint: RedisEndpoint

    /// The deadline of commands that state none of their own. A command without a reply by then has failed, its outcome unknown. If the
    /// reply to the oldest command does not come within the same time again, the connection is closed.
    public var commandDeadline = defaultCommandDeadline
    public static let defaultCommandDeadline: Duration = .seconds(1)

    /// The limit on one attempt to connect, login included. `RedisClient.connect()` waits as long.
    public var connectTimeout: Duration = .seconds(1)

    /// The most commands of one connection that are without a reply, those past their deadline included. Further ones are refused.
    public var pendingLimit = 10_000

    /// The first wait before a new attempt to connect. It doubles up to `reconnectBackoffMaximum`; of each wait, a random
    /// part of up to half is left out, so that many clients do not come back at the same moment.
    public var reconnectBackoff: Duration = .milliseconds(20)
    public var reconnectBackoffMaximum: Duration = .milliseconds(250)

    /// How often each connection makes sure that the Redis at its other end is still the primary that it was; `nil`: never.
    public var roleCheckInterval: Duration? = .milliseconds(250)

    /// The slot of all keys that the client is to use; `nil`: no cluster. A client of a cluster has to have one.
    public var slot: HashSlot?

    /// How often the Sentinels, or the nodes of a cluster, are asked where the primary is, beside each attempt to connect. A primary that
    /// was replaced, and that still takes commands, is left after about this time.
    public var watchInterval: Duration = .milliseconds(250)
    /// How long they are waited for. The answers of those that take longer do not count.
    public var watchTimeout: Duration = .milliseconds(250)

    /// The most bytes of one reply. A connection that gets a larger reply is closed.
    public var replyLimitBytes = 64 << 20

    /// The name that `CLIENT LIST` shows on the server.
    public var clientName = "redeem"

    public var counterNames = RedisCounterNames()

    /// The TLS settings, for `rediss://`, `sentinels://` and `clusters://`.
    public var tls = TLS()

    /// The kind of server at the other end.
    package enum Peer: Sendable {
        case primary
        /// It is asked where the primary is, and not whether it is one.
        case sentinel
        /// The same.
        case clusterNode
    }

    package var peer = Peer.primary

    public init(endpoint: RedisEndpoint) {
        self.endpoint = endpoint
    }

    /// The same for one node of the cluster, be it a primary or a replica.
    public func node(_ node: RedisEndpoint.Node) -> RedisConfiguration {
        var own = self
        own.endpoint = endpoint.guide(node)
        own.peer = .clusterNode
        return own
    }

    /// Whom the endpoint names to tell where the primary is; `nil`: it says so itself.
    var guides: (guide: PrimaryGuide, nodes: [RedisEndpoint.Node])? {
        switch endpoint.address {
        case .tcp, .unix: nil
        case .sentinels(let nodes, let primary): (.sentinels(primary: primary), nodes)
        case .cluster(let nodes):
            if let slot { (.cluster(slot), nodes) } else { preconditionFailure("a client of a cluster without a slot") }
        }
    }

    public struct TLS: Sendable {
        public enum Verification: Sendable, CaseIterable {
            /// The certificate is checked, and the host name in it.
            case full
            /// Only the certificate is checked.
            case withoutHostname
            /// Nothing is checked. This protects from those who listen, not from those who answer in place of Redis.
            case none
        }

        public var verification: Verification = .full
        /// A PEM file; `nil`: the system's certificate authorities.
        public var authorityFile: String?
        /// Our own certificate chain and its key, PEM files, where Redis asks for one (`tls-auth-clients`).
        public var certificateFile: String?
        public var keyFile: String?

        public init() {}
    }
}
