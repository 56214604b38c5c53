import NIOCore
import NIOPosix
import NIOSSL

/// A channel to a Redis.
struct RedisChannel: Sendable {
    let channel: any Channel
    /// The answer of the Sentinels or the cluster that it follows; `nil`: nobody was asked.
    var told: PrimaryLocation?
}

/// Opens channels to one endpoint.
struct RedisConnector: Sendable {
    /// Asks the Sentinels or the cluster where the primary is.
    typealias Resolve = @Sendable (any EventLoop) -> EventLoopFuture<PrimaryLocation>

    private let endpoint: RedisEndpoint
    private let resolve: Resolve?
    private let connectTimeout: TimeAmount
    /// The TLS context of all connections. Reading the certificate authorities takes milliseconds, so it is made once.
    private let tls: Result<NIOSSLContext, any Error>?

    /// - Parameter resolve: for an endpoint that names Sentinels or a cluster.
    init(_ configuration: RedisConfiguration, resolve: Resolve? = nil) {
        endpoint = configuration.endpoint
        self.resolve = resolve
        connectTimeout = TimeAmount(configuration.connectTimeout)
        tls = endpoint.isTLS ? Result { try NIOSSLContext(configuration: TLSConfiguration(configuration.tls)) } : nil
    }

    func connect(on eventLoop: any EventLoop) -> EventLoopFuture<RedisChannel> {
        switch endpoint.address {
        case .tcp(let host, let port): return open(host, port, on: eventLoop).map { RedisChannel(channel: $0) }
        case .unix(let path):
            return bootstrap(eventLoop, host: nil).connect(unixDomainSocketPath: path).map { RedisChannel(channel: $0) }
        case .sentinels, .cluster:
            guard let resolve else { preconditionFailure("nobody asks where the primary is") }
            return resolve(eventLoop).flatMap { told in
                open(told.node.host, told.node.port, on: eventLoop).map { RedisChannel(channel: $0, told: told) }
            }
        }
    }

    private func open(_ host: String, _ port: Int, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        bootstrap(eventLoop, host: host).connect(host: host, port: port)
    }

    private func bootstrap(_ eventLoop: any EventLoop, host: String?) -> ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try addTLS(to: channel, host: host) }
            }
    }

    private func addTLS(to channel: any Channel, host: String?) throws {
        guard let tls, let host else { return }
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
