import NIOCore
import NIOPosix
import NIOSSL

/// Opens channels to one endpoint.
struct RedisConnector: Sendable {
    private let endpoint: RedisEndpoint
    private let connectTimeout: TimeAmount
    /// One for all connections: reading the certificate authorities takes milliseconds.
    private let tls: Result<NIOSSLContext, any Error>?

    init(_ configuration: RedisConfiguration) {
        endpoint = configuration.endpoint
        connectTimeout = TimeAmount(configuration.connectTimeout)
        tls = endpoint.isTLS ? Result { try NIOSSLContext(configuration: TLSConfiguration(configuration.tls)) } : nil
    }

    func connect(on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try addTLS(to: channel) }
            }
        switch endpoint.address {
        case .tcp(let host, let port): return bootstrap.connect(host: host, port: port)
        case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private func addTLS(to channel: any Channel) throws {
        guard let tls, case .tcp(let host, _) = endpoint.address else { return }
        // The server name extension (RFC 6066) takes no addresses; NIOSSL compares those with the peer's by itself.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let handler = try NIOSSLClientHandler(context: tls.get(), serverHostname: isAddress ? nil : host)
        try channel.pipeline.syncOperations.addHandler(handler)
    }
}

extension TLSConfiguration {
    fileprivate init(_ settings: RedisConfiguration.TLS) throws {
        self = .makeClientConfiguration()
        switch settings.verification {
        case .full: certificateVerification = .fullVerification
        case .withoutHostname: certificateVerification = .noHostnameVerification
        case .none: certificateVerification = .none
        }
        if let file = settings.authorityFile { trustRoots = .file(file) }
        if let file = settings.certificateFile {
            certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
        }
        if let file = settings.keyFile { privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem)) }
    }
}
