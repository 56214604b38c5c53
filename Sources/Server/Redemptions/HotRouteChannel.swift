import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Hummingbird's HTTP/1 channel with the hot route in front of it.
struct HotRouteChannel: ServerChildChannel {
    private let http1: HTTP1Channel
    private let limits: ServerLimits
    private let services: @Sendable (any EventLoop) -> LoopServices

    /// - Parameter services: those of the event loop that it is called on.
    init(
        responder: @escaping HTTPChannelHandler.Responder,
        limits: ServerLimits,
        services: @escaping @Sendable (any EventLoop) -> LoopServices
    ) {
        // No idle timeout of Hummingbird's: it does not see the hot route's requests, so it would close busy connections.
        http1 = HTTP1Channel(responder: responder, configuration: .init(httpDecoderConfiguration: .init(limits)))
        self.limits = limits
        self.services = services
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let options = channel.syncOptions
            try options?.setOption(.maxMessagesPerRead, value: 1)
            let buffers = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2048, maximum: limits.readBytes)
            try options?.setOption(.recvAllocator, value: buffers)
            try options?.setOption(.socketOption(.so_sndbuf), value: numericCast(limits.kernelBytes))
            try HotRouteHandler.add(to: channel.pipeline.syncOperations, services: services(channel.eventLoop))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http1.handle(value: value, logger: logger)
    }
}

extension HTTP1Channel.Configuration.DecoderConfiguration {
    init(_ limits: ServerLimits) {
        self.init(
            maxHeaderFieldSize: limits.headerBytes,
            maxHeaderListSize: limits.headerBytes,
            maxHeaderFieldCount: limits.headerFields
        )
    }
}
