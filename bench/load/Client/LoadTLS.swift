internal import NIOCore
public import NIOSSL

/// The encryption of connections. A connection counts as open when its handshake is done, so a latency contains a handshake only
/// if the request waited for a lost connection.
public struct LoadTLS: Sendable {
    /// One context serves all connections, because reading the certificate authorities takes milliseconds.
    private let context: NIOSSLContext
    /// `nil` if the target is named by an address. That is compared with the addresses in the certificate.
    private let serverName: String?

    public init(_ configuration: TLSConfiguration, host: String) throws {
        context = try NIOSSLContext(configuration: configuration)
        // The server name extension (RFC 6066) takes no addresses.
        serverName = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    func handler() throws -> NIOSSLClientHandler { try NIOSSLClientHandler(context: context, serverHostname: serverName) }
}
