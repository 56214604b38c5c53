internal import NIOCore
public import NIOSSL

/// What connections are encrypted with. A connection is open when its handshake is done, so no latency has one in it, other than of
/// requests that wait for a connection that was lost.
public struct LoadTLS: Sendable {
    /// One for all connections: reading the certificate authorities takes milliseconds.
    private let context: NIOSSLContext
    /// `nil`: the target is named by an address, which is compared with those of its certificate.
    private let serverName: String?

    public init(_ configuration: TLSConfiguration, host: String) throws {
        context = try NIOSSLContext(configuration: configuration)
        // The server name extension (RFC 6066) takes no addresses.
        serverName = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    func handler() throws -> NIOSSLClientHandler { try NIOSSLClientHandler(context: context, serverHostname: serverName) }
}
