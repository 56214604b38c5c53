import NIOCore

/// Takes plain redemptions out of the bytes of a connection and gives them to the hot route. It stands in front of NIO's HTTP
/// decoder, to which it passes all other bytes on.
final class PlainRedemptionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let route: HotRouteHandler

    init(route: HotRouteHandler) { self.route = route }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        while bytes.readableBytes > 0 {
            guard route.mayTakePlain, let length = bytes.withUnsafeReadableBytes(route.takePlain) else {
                return route.feed(bytes) { context.fireChannelRead(Self.wrapInboundOut(bytes)) }
            }
            bytes.moveReaderIndex(forwardBy: length)
        }
    }
}

@available(*, unavailable)
extension PlainRedemptionHandler: Sendable {}
