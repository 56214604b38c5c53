public import Credentials
public import Domain
public import HotPath
import NIOCore

/// How a server is run. Every value but the keys has a default.
public struct ServerConfiguration: Sendable {
    /// Where the API listens. Port 0: any free one.
    public var host = defaultHost
    public var port = defaultPort
    /// Threads that read requests and answer redemptions, each with a connection to Redis of its own. What waits on one thread is
    /// decided in one call, so more threads make smaller calls, and three have processor time for more than one Redis decides.
    public var eventLoops = min(3, max(1, System.coreCount / 2))
    /// Where probes and scrapes are answered, apart from the API, so that they are neither public nor behind the sale.
    public var opsHost = defaultOpsHost
    public var opsPort = defaultOpsPort
    /// What an answer to a redemption promises. The server does not start where Redis is not configured for it.
    public var durability = defaultDurability
    /// For access tokens. The same for all servers, but for the moments in which they are replaced.
    public var tokenKeys: TokenKeys
    public var tokenParties = TokenParties.standard
    /// Digests hidden codes. The same for all servers, and for good: the digests in Postgres are under it.
    public var codeKey: ServiceKey
    /// How long an access token is valid.
    public var tokenLifetimeSeconds = 300
    public var sessions = SessionLimits()
    /// Failed logins that are let through for one username, and from one address or IPv6 network of 64 bits. The first is within
    /// what OWASP ASVS 4.0.3, requirement 2.2.1, allows: 100 an hour.
    public var loginsPerUsername = LoginRate(burst: 10, interval: .seconds(60))
    public var loginsPerAddress = LoginRate(burst: 50, interval: .seconds(5))
    /// Whose `X-Forwarded-For` says where a request is from.
    public var trustedProxies = TrustedProxies()
    public var passwords = PasswordHasher.Configuration()
    public var limits = ServerLimits()
    /// On shutdown, how long `/readyz` says no before the listener closes: the time a load balancer takes to notice.
    public var shutdownDelay: Duration = .zero

    public init(tokenKeys: TokenKeys, codeKey: ServiceKey) {
        self.tokenKeys = tokenKeys
        self.codeKey = codeKey
    }
}

/// Defaults that the program's help names too.
extension ServerConfiguration {
    public static let defaultHost = "127.0.0.1"
    public static let defaultPort = 8080
    public static let defaultOpsHost = "127.0.0.1"
    public static let defaultOpsPort = 9090
    public static let defaultDurability = Durability.local
    /// Where the API is on the machine that serves it.
    public static let defaultURL = "http://\(defaultHost):\(defaultPort)"
}

extension ServerConfiguration {
    /// Whether only this machine reaches an address.
    public static func isLoopback(host: String) -> Bool {
        guard let address = IPAddress(host) else { return host == "localhost" }
        return address.bytes.count == 4 ? address.bytes[0] == 127 : address.description == "::1"
    }
}
