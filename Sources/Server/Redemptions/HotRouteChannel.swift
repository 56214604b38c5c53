import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection of the API: NIO's HTTP codec, the hot route, and behind it the routes of Hummingbird's router.
struct HotRouteChannel: ServerChildChannel {
    private let limits: ServerLimits
    private let services: @Sendable (any EventLoop) -> LoopServices
    private let respond: RequestTaskHandler.Respond

    /// - Parameter services: returns the services of the event loop on which it is called.
    init(
        responder: some HTTPResponder<APIContext>,
        limits: ServerLimits,
        services: @escaping @Sendable (any EventLoop) -> LoopServices
    ) {
        respond = { try await responder.respond(to: $0, context: $1) }
        self.limits = limits
        self.services = services
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<RequestTaskHandler.Connection> {
        channel.eventLoop.makeCompletedFuture {
            let services = services(channel.eventLoop)
            let options = channel.syncOptions
            try options?.setOption(.maxMessagesPerRead, value: 1)
            // The channel keeps a buffer for its next read. With a fixed size it does not grow with what was read into it.
            try options?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: limits.readBytes))
            try options?.setOption(.socketOption(.so_sndbuf), value: numericCast(limits.kernelBytes))
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: NIOHTTPDecoderLimitConfiguration(limits)
            )
            try HotRouteHandler.add(to: pipeline, services: services)
            let handler = RequestTaskHandler(eventLoop: channel.eventLoop, services: services, logger: logger, respond: respond)
            try pipeline.addHandler(handler)
            return RequestTaskHandler.Connection(channel: channel, handler: handler)
        }
    }

    func handle(value: RequestTaskHandler.Connection, logger: Logger) async {
        await value.run()
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    fileprivate init(_ limits: ServerLimits) {
        self.init()
        maxHeaderFieldSize = limits.headerBytes
        maxHeaderListSize = limits.headerBytes
        maxHeaderFieldCount = limits.headerFields
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
