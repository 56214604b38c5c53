import NIOCore
import NIOHTTP1
import Telemetry

/// Sits between NIO's HTTP codec and the rest of the API, answers redemptions on the event loop that read them, and passes
/// everything else on. `PlainRedemptionHandler`, before the codec, gives it most redemptions unread. It also keeps what
/// belongs to the connection as a whole, which neither side alone can: the order of answers, the limits on what a client
/// may send and how slowly, `100 Continue`, and how a connection ends.
///
/// `HotRouteHandler+Reading` takes requests in, `+Answering` lets answers out, `+Ending` closes.
final class HotRouteHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What the part that comes next belongs to.
    enum Reading {
        case nothing
        case hot(HotRequest)
        /// `bytes` of its body were passed on.
        case passed(since: NIODeadline, bytes: Int)
        /// The rest of a request that has its answer already, or of a connection that is about to end.
        case discarded
    }

    enum Phase {
        case open
        /// The last answer was written, and the kernel takes it. What still comes is dropped.
        case ending
        /// The kernel has it, and the client is given time to read it.
        case lingering
        case ended
    }

    let services: LoopServices
    var limits: ServerLimits { services.limits }

    var phase = Phase.open
    var boundary = DecoderBoundary()
    var reading = Reading.nothing
    var turns = ConnectionTurns()
    /// Parts of requests whose turn has not come. While there are any, nothing more is read.
    var waiting = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 1)
    /// What ends the connection once everything owed before it is answered.
    var failure: Problem?
    /// The same, of a request of which a part was passed on and the rest will not be.
    var passedFailure: Problem?
    var passedHasBegun = false
    var passedCloses = false

    var readIsHeld = false
    var needsFlush = false
    var isReading = false
    var isResuming = false
    var isQuiescing = false
    var inputIsClosed = false
    var inputClosedIsHeld = false
    /// What is behind asked for it while the hot route still owed an answer.
    var closeIsDeferred = false

    /// Since when the decoder has had a part of a head, as far as that can be told.
    var headBegan: NIODeadline?
    var decoderIsSilent = false
    /// Among those of which a part has come.
    var unfinished = UnfinishedRequests.Place()
    /// Since when the client has not taken enough of its answers for more of them to have room in `Channel.isWritable`.
    var unwritableSince: NIODeadline?

    /// Of the last sign of life that counts; see `timerFired`.
    var lastActivity = NIODeadline.uptimeNanoseconds(0)
    var timer: Scheduled<Void>?
    var context: ChannelHandlerContext?
    /// Where bytes that are already HTTP are written, past the encoder.
    var beforeEncoder: ChannelHandlerContext?

    init(services: LoopServices) {
        self.services = services
    }

    /// Adds the hot route to a channel that has NIO's HTTP codec, and nothing behind it that reads HTTP yet.
    static func add(to pipeline: ChannelPipeline.SynchronousOperations, services: LoopServices) throws {
        let route = HotRouteHandler(services: services)
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(route, position: .after(decoder))
        try HeadRulesHandler.add(to: pipeline)
        try pipeline.addHandler(PlainRedemptionHandler(route: route), position: .before(decoder))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        do {
            beforeEncoder = try context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        } catch {
            preconditionFailure("the hot route needs an HTTPResponseEncoder before it: \(error)")
        }
        if context.channel.isActive { began(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
        beforeEncoder = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        began(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        breakBody()
        ended()
        context.fireChannelInactive()
    }

    private func began(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        services.metrics.connections.increment(by: 1)
        lastActivity = context.eventLoop.now
        scheduleTimer(context)
    }

    private func ended() {
        services.unfinished.remove(self)
        guard phase != .ended else { return }
        phase = .ended
        if timer != nil { services.metrics.connections.decrement(by: 1) }
        // It holds this handler.
        timer?.cancel()
        timer = nil
        waiting.removeAll()
        reading = .discarded
    }
}

@available(*, unavailable)
extension HotRouteHandler: Sendable {}
