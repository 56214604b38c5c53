import NIOCore

/// Between a channel and its connection: turns bytes into replies, and writes what it is given.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `nil` once the connection has given this channel up: what still arrives is for nobody.
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
        var buffer = unwrapInboundIn(data)
        do {
            while connection != nil, buffer.readableBytes > 0 {
                let slice = min(buffer.readableBytes, ReplyReader.feedLimit)
                try buffer.withUnsafeReadableBytes { try reader.feed(UnsafeRawBufferPointer(rebasing: $0[..<slice])) }
                buffer.moveReaderIndex(forwardBy: slice)
                // Each reply runs code of the caller, which may end this connection.
                while connection != nil, let reply = try reader.next() {
                    connection?.received(reply)
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
