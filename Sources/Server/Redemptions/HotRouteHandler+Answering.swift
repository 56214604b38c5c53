import NIOCore
import NIOHTTP1

extension HotRouteHandler {
    // MARK: The hot route's answers

    /// Answers one request of the hot route, now or when its turn comes.
    func answer(_ call: HotCall, _ ticket: AnswerQueue.Ticket, _ decision: RedemptionAnswer, isLast: Bool) {
        if call.isRedemption { services.metrics.count(decision) }
        if let trace = services.trace { call.trace(decision, to: trace) }
        // The client has gone. What was decided is in the outbox all the same.
        guard let context, phase != .ended else { return }
        if call.isRedemption { services.metrics.recordHotRoute(context.eventLoop.now - call.started) }
        // The last answer of a connection that is to end says so; an earlier one would cut off those behind it.
        let isLast = isLast || (isQuiescing && turns.answers.count == 1 && waiting.isEmpty)
        let connection = isLast ? .close : call.connection
        let bytes = services.bytes(of: decision, requestID: call.requestID, connection: connection)
        turns.answers.fulfil(ticket, with: AnswerQueue.Answer(bytes: bytes, isLast: isLast))
        writeAnswers()
    }

    private func writeAnswers() {
        while phase == .open, let answer = turns.answers.next() {
            write(answer.bytes)
            if answer.isLast { end() }
        }
        if !isReading { flushIfNeeded() }
        guard phase == .open, let context else { return }
        lastActivity = context.eventLoop.now
        endIfQuiet()
        guard phase == .open else { return }
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
        let call = HotCall(refusing: head, now: context.eventLoop.now, services: services)
        answer(call, turns.answers.reserve(), .refused(problem), isLast: true)
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

    // MARK: Answers of other routes

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
                if passedCloses {
                    head.headers.replaceOrAdd(name: "Connection", value: "close")
                    if case .nothing = reading { reading = .discarded }
                }
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
        endIfQuiet()
        if passedCloses {
            end()
        } else if let passedFailure {
            failPassed(passedFailure)
        } else if turns.passed.isEmpty {
            resume()
        } else {
            readAgain(context)
        }
    }

    /// Answers in the stead of what is behind, which still waits for a body that cannot be read to its end.
    func failPassed(_ problem: Problem) {
        breakBody()
        // Those before it are answered first.
        guard turns.passed.count <= 1 else {
            reading = .discarded
            passedFailure = problem
            return
        }
        guard turns.passed.count == 1, !passedHasBegun else { return end() }
        turns.passedWasAnswered()
        reading = .nothing
        refuse(with: problem)
    }

    /// The rest of a body does not come. What has come of it is forgotten, and nothing is done of what a part of it asks for.
    func breakBody() {
        if case .passed = reading { context?.fireErrorCaught(ChannelError.eof) }
    }
}
