import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// An HTTP server that behaves as a test wants it to.
struct TargetServer: Sendable {
    /// What becomes of a request.
    enum Behaviour: Sendable {
        case answer(HTTPResponseStatus, body: String)
        /// In chunks, each in a packet of its own.
        case chunked([String])
        /// All that comes in a moment waits for the end of it, as in a server that stalls.
        case stall(TimeAmount)
        case answerAndClose
        case close
        case silence
        case nonsense
    }

    let address: SocketAddress
    private let channel: any Channel

    /// - Parameter behaviour: given the number of the request, from 0, among all of the server.
    static func with<Result: Sendable>(
        tls: NIOSSLContext? = nil,
        _ behaviour: @escaping @Sendable (Int) -> Behaviour,
        _ body: (TargetServer) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let requests = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: group.next())
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try channel.pipeline.syncOperations.addHandler(Handler(requests: requests, behaviour: behaviour))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let address = try channel.localAddress ?? SocketAddress(ipAddress: "127.0.0.1", port: 0)
            let result = try await body(TargetServer(address: address, channel: channel))
            try await group.shutdownGracefully()
            return result
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    /// Takes no more connections.
    func close() async throws { try await channel.close() }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let requests: NIOLoopBoundBox<Int>
    private let behaviour: @Sendable (Int) -> TargetServer.Behaviour

    init(requests: NIOLoopBoundBox<Int>, behaviour: @escaping @Sendable (Int) -> TargetServer.Behaviour) {
        self.requests = requests
        self.behaviour = behaviour
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let number = requests.value
        requests.value += 1
        switch behaviour(number) {
        case .answer(let status, let body): answer(context, status, body)
        case .chunked(let parts):
            var head = HTTPResponseHead(version: .http1_1, status: .ok)
            head.headers.add(name: "Transfer-Encoding", value: "chunked")
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            for part in parts {
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: part)))), promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .stall(let time):
            // On purpose: nobody else is served meanwhile.
            let end = NIODeadline.now() + time
            while NIODeadline.now() < end {}
            answer(context, .ok, "")
        case .answerAndClose:
            var head = HTTPResponseHead(version: .http1_1, status: .ok)
            head.headers.add(name: "Content-Length", value: "0")
            head.headers.add(name: "Connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            context.close(promise: nil)
        case .close: context.close(promise: nil)
        case .silence: break
        case .nonsense:
            // Past the encoder.
            let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            encoder?.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(string: "SSH-2.0-OpenSSH_9.2\r\n"))), promise: nil)
        }
    }

    private func answer(_ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ body: String) {
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "Content-Length", value: "\(body.utf8.count)")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
