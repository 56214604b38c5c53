import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// A connection, and all that has come out of it.
final class EchoClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex<(text: String, hasEnded: Bool)>(("", false))

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: Self.unwrapInboundIn(data))
            state.withLock { $0.text += text }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.hasEnded = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private init(_ channel: any Channel, _ inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    static func connect(to port: Int) async throws -> EchoClient {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(inbox) }
            .connect(host: "127.0.0.1", port: port).get()
        return EchoClient(channel, inbox)
    }

    var received: String { inbox.state.withLock { $0.text } }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// The text so far, once it has so many bytes.
    func receive(_ count: Int) async throws -> String {
        try await until("\(count) bytes") { received.utf8.count >= count }
        return received
    }

    func isEnded() async throws -> Bool {
        try await until("the end of the connection") { inbox.state.withLock { $0.hasEnded } }
        return true
    }

    func close() async { try? await channel.close() }
}
