import NIOCore
import NIOHTTP1

extension HotRouteHandler {
    // MARK: The hot route's answers

    /// Answers one request of the hot route, now or when its turn comes.
    func answer(_ call: HotCall, _ ticket: AnswerQueue.Ticket, _ decision: RedemptionAnswer, after: AnswerQueue.After) {
        if call.isRedemption { services.metrics.count(decision) }
        // The client has gone. What was decided is in the outbox all the same.
        guard let context, phase != .ended else { return }
        if call.isRedemption { services.metrics.recordHotRoute(context.eventLoop.now - call.started) }
        var after = after
        // The last answer of a connection that is to end says so; an earlier one would cut off those behind it.
        if isQuiescing, turns.answers.count == 1, waiting.isEmpty, case .keepAlive = after { after = .close }
        var connection = call.connection
        switch after {
        case .keepAlive: break
        case .close, .linger: connection = .close
        }
        let bytes = services.bytes(of: decision, requestID: call.requestID, connection: connection)
        turns.answers.fulfil(ticket, with: AnswerQueue.Answer(bytes: bytes, after: after))
        writeAnswers()
    }

    private func writeAnswers() {
        while phase == .open, let answer = turns.answers.next() {
            write(answer.bytes)
            switch answer.after {
            case .keepAlive: break
            case .close: end(lingering: false)
            case .linger: end(lingering: true)
            }
        }
        if !isReading { flushIfNeeded() }
        guard phase == .open, let context else { return }
        lastActivity = context.eventLoop.now
        if isQuiescing, turns.isIdle, waiting.isEmpty, case .nothing = reading { return end(lingering: false) }
        if turns.answers.isEmpty { resume() } else { readAgain(context) }
    }

    func sendContinue() {
        write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
        needsFlush = false
        beforeEncoder?.flush()
    }

    /// Answers a connection, rather than a request on it, and ends it.
    func refuse(with problem: Problem) {
        guard let context else { return }
        failure = nil
        // The last answer is another one, which has been found already.
        if case .discarded = reading { return }
        reading = .discarded
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        head.headers.add(name: "Connection", value: "close")
        let request = HotRequest(head, refused: problem, now: context.eventLoop.now, services: services)
        answer(request.call, turns.answers.reserve(), .refused(problem), after: .linger)
    }

    private func write(_ bytes: ByteBuffer) {
        beforeEncoder?.write(NIOAny(IOData.byteBuffer(bytes)), promise: nil)
        needsFlush = true
    }

    func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        beforeEncoder?.flush()
    }

    // MARK: Hummingbird's answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard phase == .open, let keepAlive = turns.passed.first else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .head(var head):
            if head.status.code >= 200 {
                passedHasBegun = true
                passedCloses = !keepAlive || (isQuiescing && turns.passed.count == 1 && waiting.isEmpty)
                if passedCloses { head.headers.replaceOrAdd(name: "Connection", value: "close") }
            }
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            passedWasAnswered(context)
        }
    }

    private func passedWasAnswered(_ context: ChannelHandlerContext) {
        turns.passedWasAnswered()
        passedHasBegun = false
        lastActivity = context.eventLoop.now
        if passedCloses {
            // A client that is still sending its body must be able to read why it need not.
            var isSending = false
            if case .passed = reading { isSending = true }
            end(lingering: isSending)
        } else if let passedFailure {
            failPassed(passedFailure)
        } else if turns.passed.isEmpty {
            resume()
        } else {
            readAgain(context)
        }
    }

    /// Answers in Hummingbird's stead, which is still reading a body that cannot be read to its end.
    func failPassed(_ problem: Problem) {
        // Those before it are answered first.
        guard turns.passed.count <= 1 else {
            reading = .discarded
            passedFailure = problem
            return
        }
        guard turns.passed.count == 1, !passedHasBegun else { return end(lingering: true) }
        turns.passedWasAnswered()
        reading = .nothing
        refuse(with: problem)
    }
}
