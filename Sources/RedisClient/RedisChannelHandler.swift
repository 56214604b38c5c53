import NIOCore

/// Stands between a channel and its connection: turns bytes into replies, and writes the bytes that it is given.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `nil` once the connection has given this channel up: bytes that still arrive are ignored.
    private var connection: RedisConnection?
    private var context: ChannelHandlerContext?
    private let reader: ReplyReader

    init(connection: RedisConnection, replyLimitBytes: Int) {
        self.connection = connection
        reader = ReplyReader(replyLimitBytes: replyLimitBytes)
    }

    func write(_ buffer: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Cuts the tie to the connection and closes the channel.
    func close() {
        connection = nil
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection != nil else { return }
        do {
            try unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
                try reader.read(bytes) { reply in
                    connection?.received(reply)
                    // This ran a caller's code, which may have ended the connection.
                    return connection != nil
                }
            }
        } catch {
            connection?.lose(RedisError(.protocolViolation, "not a reply: \(error)"))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.lose(RedisError(.connectionLost, "closed by Redis"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection?.lose(RedisError(.connectionLost, "\(error)"))
    }
}
