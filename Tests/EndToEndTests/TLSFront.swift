import NIOCore
import NIOPosix
import NIOSSL

/// Speaks TLS in front of a server that does not, as a load balancer does.
struct TLSFront: Sendable {
    /// With the name of its certificate.
    let url: String

    /// - Parameters:
    ///   - folder: has what `TestCertificates` makes.
    ///   - url: of the server behind it.
    static func with(_ folder: String, to url: String, _ body: (TLSFront) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/server.crt").map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/server.key", format: .pem))
            )
            let context = try NIOSSLContext(configuration: configuration)
            let port = Int(url.split(separator: ":").last ?? "") ?? 0
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .childChannelOption(.autoRead, value: false)
                .childChannelInitializer { front in
                    ClientBootstrap(group: front.eventLoop).channelOption(.autoRead, value: false)
                        .connect(host: "127.0.0.1", port: port).flatMapThrowing { back in
                            try front.pipeline.syncOperations.addHandlers(
                                NIOSSLServerHandler(context: context),
                                Forward(to: back)
                            )
                            try back.pipeline.syncOperations.addHandler(Forward(to: front))
                            try front.syncOptions?.setOption(.autoRead, value: true)
                            try back.syncOptions?.setOption(.autoRead, value: true)
                        }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            try await body(TLSFront(url: "https://localhost:\(channel.localAddress?.port ?? 0)"))
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }
}

/// What comes goes to the other side, and so does the end of it.
private final class Forward: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
