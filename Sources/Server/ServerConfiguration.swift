public import Credentials
public import Domain
public import HotPath
import NIOCore

/// The configuration of a server. Every value but the keys has a default.
public struct ServerConfiguration: Sendable {
    /// The address of the API. Port 0 stands for any free port.
    public var host = defaultHost
    public var port = defaultPort
    /// Threads that read requests and answer redemptions, each with a connection to Redis of its own. Requests that wait on one
    /// thread are decided in one call, so more threads make smaller calls. Three threads read more requests than one Redis
    /// decides.
    public var eventLoops = min(3, max(1, System.coreCount / 2))
    /// The address of probes and scrapes. They have a port of their own, so that they are not public and do not wait behind the
    /// sale.
    public var opsHost = defaultOpsHost
    public var opsPort = defaultOpsPort
    /// The promise of an answer to a redemption. The server does not start if Redis is not configured for it.
    public var durability = defaultDurability
    /// The keys of access tokens. All servers have the same, except while they are being replaced.
    public var tokenKeys: TokenKeys
    public var tokenParties = TokenParties.standard
    /// The key of the digests of hidden codes. All servers have the same, since the digests in Postgres are under it.
    public var codeKey: ServiceKey
    /// The lifetime of an access token.
    public var tokenLifetimeSeconds = 300
    public var sessions = SessionLimits()
    /// Failed logins that are let through for one username, and from one address or IPv6 network of 64 bits. The first stays
    /// within what OWASP ASVS 4.0.3, requirement 2.2.1, allows: 100 an hour.
    public var loginsPerUsername = LoginRate(burst: 10, interval: .seconds(60))
    public var loginsPerAddress = LoginRate(burst: 50, interval: .seconds(5))
    /// The proxies whose `X-Forwarded-For` is believed.
    public var trustedProxies = TrustedProxies()
    public var passwords = PasswordHasher.Configuration()
    public var limits = ServerLimits()
    /// The time on shutdown in which `/readyz` refuses and the listener is still open, so that load balancers can notice.
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
    /// The address of the API on the machine that serves it.
    public static let defaultURL = "http://\(defaultHost):\(defaultPort)"
}

extension ServerConfiguration {
    /// True if only this machine can reach the address.
    public static func isLoopback(host: String) -> Bool {
        guard let address = IPAddress(host) else { return host == "localhost" }
        return address.bytes.count == 4 ? address.bytes[0] == 127 : address.description == "::1"
    }
}
