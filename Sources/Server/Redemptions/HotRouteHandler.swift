import Glibc
import HotPath
import NIOCore
import NIOHTTP1
import Telemetry

/// Sits between NIO's HTTP codec and the rest of the API, answers redemptions on the event loop that read them, and passes
/// everything else on. `PlainRedemptionHandler`, before the codec, finds most redemptions before they have to be decoded.
///
/// `HotConnection` decides and keeps the state of the connection. This does what it says.
final class HotRouteHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let services: LoopServices
    private var connection: HotConnection
    private var context: ChannelHandlerContext?
    /// The context at which bytes that are already HTTP are written, past the encoder.
    private var beforeEncoder: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    /// Something was written since the last flush.
    private var needsFlush = false
    /// A read of the channel is under way. All that is written during it is flushed once, at its end.
    private var isReading = false
    /// The place in `UnfinishedRequests`.
    var unfinished = UnfinishedRequests.Place()

    init(services: LoopServices) {
        self.services = services
        connection = HotConnection(limits: services.limits, now: .uptimeNanoseconds(0), newID: services.requestID)
    }

    /// Adds the hot route to a channel that has NIO's HTTP codec, and nothing behind it that reads HTTP yet.
    static func add(to pipeline: ChannelPipeline.SynchronousOperations, services: LoopServices) throws {
        let route = HotRouteHandler(services: services)
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(route, position: .after(decoder))
        try HeadRulesHandler.add(to: pipeline)
        try pipeline.addHandler(PlainRedemptionHandler(route: route), position: .before(decoder))
    }

    // MARK: Events of the channel

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
        ended()
        context.fireChannelInactive()
    }

    private func began(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        services.metrics.connections.increment(by: 1)
        connection.lastActivity = context.eventLoop.now
        scheduleTimer(context)
    }

    private func ended() {
        services.unfinished.remove(self)
        guard connection.phase != .ended else { return }
        if timer != nil { services.metrics.connections.decrement(by: 1) }
        // The timer retains this handler.
        timer?.cancel()
        timer = nil
        perform(connection.ended())
    }

    func read(context: ChannelHandlerContext) {
        if connection.readWanted() { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        perform(connection.received(Self.unwrapInboundIn(data), now: context.eventLoop.now))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flushIfNeeded()
        context.fireChannelReadComplete()
        // No other handler reads any more then, and bytes that are not read would make the kernel answer with a reset.
        switch connection.phase {
        case .ending, .lingering: context.read()
        case .open, .ended: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        perform(connection.writabilityChanged(context.channel.isWritable, now: context.eventLoop.now))
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            perform(connection.failed(error, now: context.eventLoop.now))
        } else if connection.isOpen {
            // The connection itself is broken; its channelInactive follows.
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: perform(connection.quiesce(now: context.eventLoop.now))
        case ChannelEvent.inputClosed: perform(connection.inputClosed(now: context.eventLoop.now))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Calls of those behind

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard connection.isPassedAnswerDue else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .head(let head): context.write(Self.wrapOutboundOut(.head(connection.passedHead(head))), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            perform(connection.passedEnd(now: context.eventLoop.now))
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard connection.phase != .ended, mode != .input else { return context.close(mode: mode, promise: promise) }
        // Whichever direction it is, those behind have no more to say.
        context.channel.closeFuture.cascade(to: promise)
        perform(connection.closeWanted())
    }

    // MARK: Bytes, before the decoder

    /// Gives bytes to the decoder, unless they stand behind the last request of the connection.
    func feed(_ bytes: ByteBuffer, toDecoder decode: () -> Void) {
        guard connection.mayFeed, let context else { return }
        connection.feeding(bytes)
        decode()
        connection.fed(bytes, now: context.eventLoop.now)
        // Decoding may have ended the connection; then nothing is unfinished.
        if connection.isUnfinished {
            services.unfinished.add(bytes.readableBytes, of: self)
        } else {
            services.unfinished.remove(self)
        }
    }

    var mayTakePlain: Bool { connection.mayTakePlain }

    /// Takes a plain redemption from the beginning of the bytes.
    /// - Returns: its length; `nil`: the bytes do not begin with one.
    func takePlain(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let context, let plain = PlainRedemption(bytes, limits: services.limits) else { return nil }
        isReading = true
        let now = context.eventLoop.now
        let ticket = connection.tookPlain(now: now)
        redeem(HotCall(plain, now: now, newID: services.requestID), ticket) { () throws(Problem) in try plain.asked(services) }
        return plain.length
    }

    // MARK: Actions

    private func perform(_ actions: Actions) {
        for action in actions { perform(action) }
        if !isReading { flushIfNeeded() }
    }

    private func perform(_ action: HotConnection.Action) {
        guard let context, let beforeEncoder else { return }
        switch action {
        case .pass(let part): context.fireChannelRead(Self.wrapInboundOut(part))
        case .passReadComplete: context.fireChannelReadComplete()
        case .passInputClosed: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .passBreak: context.fireErrorCaught(ChannelError.eof)
        case .redeem(let request, let ticket):
            redeem(request.call, ticket) { () throws(Problem) in try request.asked(services) }
        case .refused(let call, let problem): tell(call, .refused(problem))
        case .write(let call, let answer, let connection):
            write(services.bytes(of: answer, requestID: call.requestID, connection: connection))
        case .writeContinue:
            write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            flushIfNeeded()
        case .read: context.read()
        case .end: end(context, beforeEncoder)
        case .closeOutput:
            context.close(mode: .output, promise: nil)
            schedule(in: services.limits.lingerTimeout) { $0.context?.close(promise: nil) }
        case .close: context.close(promise: nil)
        case .drop: drop(context)
        }
    }

    private func redeem(_ call: HotCall, _ ticket: AnswerQueue.Ticket, _ request: () throws(Problem) -> RedeemRequest) {
        do throws(Problem) {
            let asked = try request()
            if let trace = services.trace { call.trace(asked, to: trace) }
            services.decide(asked) { [self] answer in decided(call, ticket, answer) }
        } catch {
            decided(call, ticket, .refused(error))
        }
    }

    private func decided(_ call: HotCall, _ ticket: AnswerQueue.Ticket, _ answer: RedemptionAnswer) {
        tell(call, answer)
        // The client may have gone. What was decided is in the outbox all the same.
        guard let context else { return }
        perform(connection.decided(call, ticket, answer, now: context.eventLoop.now))
    }

    /// Counts an answer, and logs it.
    private func tell(_ call: HotCall, _ answer: RedemptionAnswer) {
        if let trace = services.trace { call.trace(answer, to: trace) }
        guard call.isRedemption else { return }
        services.metrics.count(answer)
        if let context { services.metrics.recordHotRoute(context.eventLoop.now - call.started) }
    }

    private func write(_ bytes: ByteBuffer) {
        beforeEncoder?.write(NIOAny(IOData.byteBuffer(bytes)), promise: nil)
        needsFlush = true
    }

    private func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        beforeEncoder?.flush()
    }

    private func end(_ context: ChannelHandlerContext, _ beforeEncoder: ChannelHandlerContext) {
        services.unfinished.remove(self)
        schedule(in: services.limits.writeTimeout) { $0.perform($0.connection.drop()) }
        // The empty write stands behind all bytes that the kernel does not have yet. A close would drop those.
        let isWritten = context.eventLoop.makePromise(of: Void.self)
        isWritten.futureResult.assumeIsolated().whenComplete { [self] _ in perform(connection.lastWasWritten()) }
        needsFlush = false
        beforeEncoder.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer())), promise: isWritten)
        // Bytes that still come are read and dropped, so that the kernel takes them from the client.
        if connection.phase != .ended { context.read() }
    }

    /// Closes so that the kernel forgets the answers that it has, too. Otherwise it would keep them for minutes, and tell the
    /// client nothing.
    private func drop(_ context: ChannelHandlerContext) {
        // If this fails, the kernel keeps them. The connection is closed all the same.
        if let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    // MARK: Time

    private func schedule(in time: Duration, _ task: @escaping (HotRouteHandler) -> Void) {
        guard let context else { return }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [self] in task(self) }
    }

    private func scheduleTimer(_ context: ChannelHandlerContext) {
        let deadline = connection.deadline(now: context.eventLoop.now)
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in timerFired() }
    }

    private func timerFired() {
        guard connection.isOpen, let context else { return }
        perform(connection.timerFired(now: context.eventLoop.now))
        if connection.isOpen { scheduleTimer(context) }
    }

    /// Ends a request of which the rest has not come.
    func endUnfinished() {
        guard let context else { return }
        perform(connection.endUnfinished(now: context.eventLoop.now))
    }
}

@available(*, unavailable)
extension HotRouteHandler: Sendable {}
