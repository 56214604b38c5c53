import Glibc
import NIOCore
import NIOHTTP1

extension HotRouteHandler {
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .open, failure == nil else { return }
        guard let error = error as? HTTPParserError else {
            // The connection itself is broken; its channelInactive follows.
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        // Behind the last request of the connection, which has its answer or will have it.
        if case .discarded = reading { return }
        let problem =
            switch error {
            case .headerOverflow: Problem(.headersTooLarge)
            case .invalidURL: Problem(.malformedRequest, HostField.detail)
            default: Problem(.malformedRequest)
            }
        if case .passed = reading, waiting.isEmpty { return failPassed(problem) }
        fail(problem)
    }

    /// Refuses the rest of the connection, in its turn: after everything that was read before.
    private func fail(_ problem: Problem) {
        failure = problem
        if waiting.isEmpty, turns.passed.isEmpty { refuse(with: problem) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: quiesce()
        case ChannelEvent.inputClosed: inputWasClosed(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The server stops: what was begun is finished, and the connection closes behind the last answer.
    private func quiesce() {
        isQuiescing = true
        endIfQuiet()
    }

    func endIfQuiet() {
        guard isQuiescing, phase == .open, turns.isIdle, waiting.isEmpty else { return }
        switch reading {
        // What is passed and not owed has been answered before its body.
        case .nothing, .passed: end()
        case .hot, .discarded: break
        }
    }

    /// The client will send no more, but it may still read.
    private func inputWasClosed(_ context: ChannelHandlerContext) {
        inputIsClosed = true
        switch phase {
        case .ending, .ended: break
        case .lingering: context.close(promise: nil)
        case .open:
            // `RequestTaskHandler` closes the connection when it hears of it, so it hears of it after the hot route's last answer.
            if waiting.isEmpty, turns.answers.isEmpty {
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            } else {
                inputClosedIsHeld = true
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard phase != .ended, mode != .input else { return context.close(mode: mode, promise: promise) }
        // Whichever direction it is, what is behind has no more to say. The connection is closed by its own timer or by the client.
        context.channel.closeFuture.cascade(to: promise)
        if turns.answers.isEmpty { end() } else { closeIsDeferred = true }
    }

    /// Ends the connection after what was written so far. The client may still be sending; to close at once would make the kernel
    /// answer with a reset, which takes from the client what it has not read yet (RFC 9112, section 9.6). So only the one direction
    /// is closed, and the rest when the client has closed its own, or a little later.
    func end() {
        guard phase == .open, let context, let beforeEncoder else { return }
        breakBody()
        phase = .ending
        services.unfinished.remove(self)
        reading = .discarded
        waiting.removeAll()
        schedule(in: limits.writeTimeout) { $0.drop() }
        // Behind all that is not with the kernel yet. A close would drop that.
        let isWritten = context.eventLoop.makePromise(of: Void.self)
        isWritten.futureResult.assumeIsolated().whenComplete { [self] _ in lastWasWritten() }
        needsFlush = false
        beforeEncoder.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer())), promise: isWritten)
        // What still comes is read and dropped, so that the kernel takes it from the client.
        if phase != .ended { context.read() }
    }

    private func lastWasWritten() {
        guard phase == .ending, let context else { return }
        guard !inputIsClosed else { return context.close(promise: nil) }
        phase = .lingering
        context.close(mode: .output, promise: nil)
        schedule(in: limits.lingerTimeout) { $0.context?.close(promise: nil) }
    }

    /// Closes without regard to a client that does not read its answers. The kernel forgets those too: it would keep them for
    /// minutes, and say nothing to the client.
    private func drop() {
        guard phase != .ended, let context else { return }
        breakBody()
        phase = .ending
        // Where it fails, the kernel does keep them; the connection is closed all the same.
        if let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    private func schedule(in time: Duration, _ task: @escaping (HotRouteHandler) -> Void) {
        guard let context else { return }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [self] in task(self) }
    }

    // MARK: Time

    func scheduleTimer(_ context: ChannelHandlerContext) {
        var deadline: NIODeadline
        switch reading {
        case .hot(let request): deadline = request.call.started + TimeAmount(limits.requestTimeout)
        case .passed(let since, _): deadline = since + TimeAmount(limits.requestTimeout)
        case .nothing, .discarded:
            // A request may begin meanwhile, which does not touch the timer; so look no later than one may last.
            deadline = min(
                lastActivity + TimeAmount(limits.idleTimeout),
                context.eventLoop.now + TimeAmount(min(limits.headerTimeout, limits.requestTimeout))
            )
            if let headBegan { deadline = min(deadline, headBegan + TimeAmount(limits.headerTimeout)) }
        }
        if let unwritableSince { deadline = min(deadline, unwritableSince + TimeAmount(limits.writeTimeout)) }
        // Not more often than needed to close within a tenth of the limit.
        let earliest = context.eventLoop.now + TimeAmount(limits.requestTimeout / 10)
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: max(deadline, earliest)) { [self] in timerFired() }
    }

    /// Ends a request of which the rest has not come: its time is over, or there are too many of its kind.
    func endUnfinished() {
        guard phase == .open else { return }
        switch reading {
        case .hot(let request):
            reading = .discarded
            answer(request.call, turns.answers.reserve(), .refused(Problem(.requestTimeout)), isLast: true)
        case .passed: failPassed(Problem(.requestTimeout))
        case .nothing where failure == nil && headBegan != nil: fail(Problem(.requestTimeout))
        case .nothing, .discarded: break
        }
    }

    /// A timer for each connection, which is not touched by its requests: it looks when it fires. A request must be complete in
    /// time; between requests, only a finished one is a sign of life, so that a header sent byte by byte is none.
    private func timerFired() {
        guard phase == .open, let context else { return }
        let now = context.eventLoop.now
        if let unwritableSince, now >= unwritableSince + TimeAmount(limits.writeTimeout) { return drop() }
        switch reading {
        case .hot(let request) where now >= request.call.started + TimeAmount(limits.requestTimeout): endUnfinished()
        case .passed(let since, _) where now >= since + TimeAmount(limits.requestTimeout): endUnfinished()
        case .nothing where headBegan.map { now >= $0 + TimeAmount(limits.headerTimeout) } == true && failure == nil:
            endUnfinished()
        case .nothing where turns.isIdle && now >= lastActivity + TimeAmount(limits.idleTimeout):
            end()
        case .hot, .passed, .nothing, .discarded: break
        }
        if phase == .open { scheduleTimer(context) }
    }
}
