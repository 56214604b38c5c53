/// How to reach Redis, and the limits of each connection to it.
public struct RedisConfiguration: Sendable {
    public var endpoint: RedisEndpoint

    /// For commands that state no deadline of their own. A command without a reply by then has failed, its outcome unknown.
    /// A connection whose oldest command has had no reply for this long again is closed.
    public var commandDeadline = defaultCommandDeadline
    public static let defaultCommandDeadline: Duration = .seconds(1)

    /// For one attempt to connect, login included; also how long `RedisClient.connect()` waits.
    public var connectTimeout: Duration = .seconds(1)

    /// Commands of one connection without a reply, those past their deadline included. Beyond, commands are refused.
    public var pendingLimit = 10_000

    /// The first wait before a new attempt to connect. It doubles up to `reconnectBackoffMaximum`; of each wait, a random
    /// part of up to half is left out, so that many clients do not come back at the same moment.
    public var reconnectBackoff: Duration = .milliseconds(20)
    public var reconnectBackoffMaximum: Duration = .milliseconds(250)

    /// How often each connection makes sure that the Redis at its other end is still the primary that it was; `nil`: never.
    public var roleCheckInterval: Duration? = .milliseconds(250)

    /// How often the Sentinels are asked where the primary is, beside each attempt to connect: a primary that they have replaced
    /// and that still takes commands is left after about as long.
    public var sentinelInterval: Duration = .milliseconds(250)
    /// How long they are waited for. Those that have not answered by then have no say.
    public var sentinelTimeout: Duration = .milliseconds(250)

    /// Bytes of one reply. A connection that gets a larger one is closed.
    public var replyLimitBytes = 64 << 20

    /// What `CLIENT LIST` on the server shows.
    public var clientName = "redeem"

    public var counterNames = RedisCounterNames()

    /// For `rediss://` and `sentinels://`.
    public var tls = TLS()

    /// Who is at the other end.
    package enum Peer: Sendable {
        case primary
        /// It is not asked whether it is a primary.
        case sentinel
    }

    package var peer = Peer.primary

    public init(endpoint: RedisEndpoint) {
        self.endpoint = endpoint
    }

    public struct TLS: Sendable {
        public enum Verification: Sendable, CaseIterable {
            /// The certificate and the host name in it.
            case full
            /// The certificate only.
            case withoutHostname
            /// Nothing: protects from those who listen, not from those who answer.
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
