import NIOCore
import NIOHTTP1

extension HotRouteHandler {
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .open, failure == nil else { return }
        guard let error = error as? HTTPParserError else {
            // More bytes behind those that were not HTTP: that has its answer, which waits for those before it.
            if error is ByteToMessageDecoderError, case .discarded = reading, !turns.answers.isEmpty { return }
            // The connection itself is broken; its channelInactive follows.
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        let problem = Problem(error == .headerOverflow ? .headersTooLarge : .malformedRequest)
        if case .passed = reading, waiting.isEmpty { return failPassed(problem) }
        // Its turn comes after everything that was read before it.
        failure = problem
        if waiting.isEmpty, turns.passed.isEmpty { refuse(with: problem) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: quiesce(context)
        case ChannelEvent.inputClosed: inputWasClosed(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The server stops: what was begun is finished, and the connection closes behind the last answer.
    private func quiesce(_ context: ChannelHandlerContext) {
        isQuiescing = true
        guard phase == .open, turns.isIdle, waiting.isEmpty, case .nothing = reading else { return }
        end(lingering: false)
    }

    /// The client will send no more, but it may still read.
    private func inputWasClosed(_ context: ChannelHandlerContext) {
        inputIsClosed = true
        switch phase {
        case .ended: break
        case .ending: context.close(promise: nil)
        case .open:
            // Hummingbird closes the connection when it hears of it, so it hears of it after the hot route's last answer.
            if waiting.isEmpty, turns.answers.isEmpty {
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            } else {
                inputClosedIsHeld = true
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch (phase, mode) {
        case (_, .input): context.close(mode: .input, promise: promise)
        // The connection is closed by its own timer or by the client, whichever is first.
        case (.ending, _): context.channel.closeFuture.cascade(to: promise)
        case (.open, _) where !turns.answers.isEmpty: deferredClose = DeferredClose(mode: mode, promise: promise)
        case (.open, _), (.ended, _): context.close(mode: mode, promise: promise)
        }
    }

    func closeIfDeferred(_ context: ChannelHandlerContext) {
        guard let close = deferredClose else { return }
        deferredClose = nil
        context.close(mode: close.mode, promise: close.promise)
    }

    /// Ends the connection after what was written so far.
    /// - Parameter lingering: the client may still be sending. To close at once would make the kernel answer with a reset, which
    ///   takes from the client what it has not read yet; so only the one direction is closed, and the rest a little later.
    func end(lingering: Bool) {
        guard phase == .open, let context else { return }
        phase = .ending
        reading = .discarded
        waiting.removeAll()
        flushIfNeeded()
        guard lingering, !inputIsClosed else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.lingerTimeout)) { [weak self] in
            self?.context?.close(promise: nil)
        }
        // What still comes is read and dropped, so that the kernel takes it from the client.
        context.read()
    }

    // MARK: Time

    func scheduleTimer(_ context: ChannelHandlerContext) {
        let deadline: NIODeadline
        switch reading {
        case .hot(let request): deadline = request.call.started + TimeAmount(limits.requestTimeout)
        case .passed(let since, _): deadline = since + TimeAmount(limits.requestTimeout)
        case .nothing, .discarded:
            // A request may begin meanwhile, which does not touch the timer; so look no later than one may last.
            deadline = min(
                lastActivity + TimeAmount(limits.idleTimeout),
                context.eventLoop.now + TimeAmount(limits.requestTimeout)
            )
        }
        // Not more often than needed to close within a tenth of the limit.
        let earliest = context.eventLoop.now + TimeAmount(limits.requestTimeout / 10)
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: max(deadline, earliest)) { [weak self] in
            self?.timerFired()
        }
    }

    /// A timer for each connection, which is not touched by its requests: it looks when it fires. A request must be complete in
    /// time; between requests, only a finished one is a sign of life, so that a header sent byte by byte is none.
    private func timerFired() {
        guard phase == .open, let context else { return }
        let now = context.eventLoop.now
        switch reading {
        case .hot(let request) where now >= request.call.started + TimeAmount(limits.requestTimeout):
            answer(request.call, turns.answers.reserve(), .refused(Problem(.requestTimeout)), after: .linger)
        case .passed(let since, _) where now >= since + TimeAmount(limits.requestTimeout):
            failPassed(Problem(.requestTimeout))
        case .nothing where turns.isIdle && now >= lastActivity + TimeAmount(limits.idleTimeout):
            end(lingering: false)
        case .hot, .passed, .nothing, .discarded: break
        }
        if phase == .open { scheduleTimer(context) }
    }
}
