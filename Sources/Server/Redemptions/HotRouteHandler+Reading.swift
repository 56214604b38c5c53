import HotPath
import NIOCore
import NIOHTTP1

extension HotRouteHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        boundary.saw(part)
        decoderIsSilent = false
        headBegan = nil
        guard phase == .open, failure == nil else { return }
        isReading = true
        if !waiting.isEmpty || !take(part, context) { waiting.append(part) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flushIfNeeded()
        context.fireChannelReadComplete()
        // Nobody asks for more then; what the kernel keeps would make it answer the client with a reset.
        if phase == .ending || phase == .lingering { context.read() }
    }

    func read(context: ChannelHandlerContext) {
        // With a half-closed input there is nothing to read, and NIO knows.
        if phase != .open || mayRead(context) { context.read() } else { readIsHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : context.eventLoop.now
        readAgain(context)
        context.fireChannelWritabilityChanged()
    }

    /// Nothing more is read from a client that has enough under way, or that does not read its answers.
    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        waiting.isEmpty && turns.owed < limits.pipelinedRequests && context.channel.isWritable
    }

    func readAgain(_ context: ChannelHandlerContext) {
        guard readIsHeld, mayRead(context) else { return }
        readIsHeld = false
        context.read()
    }

    /// Goes on with what waited for its turn.
    func resume() {
        guard !isResuming, let context else { return }
        isResuming = true
        defer { isResuming = false }
        var passedAny = false
        while phase == .open, let part = waiting.popFirst() {
            guard take(part, context) else {
                waiting.prepend(part)
                break
            }
            passedAny = true
        }
        if passedAny { context.fireChannelReadComplete() }
        guard waiting.isEmpty, phase == .open else { return }
        if let failure, case .passed = reading {
            self.failure = nil
            failPassed(failure)
        } else if let failure, turns.passed.isEmpty {
            refuse(with: failure)
        } else if turns.answers.isEmpty {
            if inputClosedIsHeld {
                inputClosedIsHeld = false
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
            if closeIsDeferred { end() }
        }
        readAgain(context)
    }

    /// - Returns: whether its turn had come.
    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) -> Bool {
        switch part {
        case .head(let head): return begin(head, context)
        case .body(let bytes): goOn(bytes, context)
        case .end(let trailers): end(trailers, context)
        }
        return true
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        if case .discarded = reading { return true }
        guard head.hasOneEnd else { return refuse(head, Problem(.malformedRequest), context) }
        let expectation = Expectation(head)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limits.bodyBytes {
            return refuse(head, Problem(.bodyTooLarge, "The body may have \(limits.bodyBytes) bytes."), context)
        }
        if expectation == .other {
            return refuse(head, Problem(.malformedRequest, "Only Expect: 100-continue is understood."), context)
        }
        let isAlone = expectation == .continues
        if let coupon = HotRoute.coupon(in: head) {
            guard turns.mayBegin(.hot, alone: isAlone) else { return false }
            reading = .hot(HotRequest(head, coupon: coupon, now: context.eventLoop.now, services: services))
        } else {
            guard turns.mayBegin(.passed, alone: isAlone) else { return false }
            turns.pass(keepAlive: head.mayBeFollowed)
            reading = .passed(since: context.eventLoop.now, bytes: 0)
            context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        }
        if isAlone { sendContinue() }
        return true
    }

    /// Answers without reading the body, which also ends the connection: where the body ends is not worth finding out.
    private func refuse(_ head: HTTPRequestHead, _ problem: Problem, _ context: ChannelHandlerContext) -> Bool {
        guard turns.mayBegin(.hot, alone: false) else { return false }
        let call = HotCall(refusing: head, now: context.eventLoop.now, services: services)
        reading = .discarded
        answer(call, turns.answers.reserve(), .refused(problem), isLast: true)
        return true
    }

    private func goOn(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        switch reading {
        case .hot(var request):
            // Nothing else may hold the body's bytes while they are appended.
            reading = .nothing
            if request.append(bytes, limit: limits.bodyBytes) {
                reading = .hot(request)
            } else {
                reading = .discarded
                let problem = Problem(.bodyTooLarge, "The body may have \(limits.bodyBytes) bytes.")
                answer(request.call, turns.answers.reserve(), .refused(problem), isLast: true)
            }
        case .passed(let since, let count):
            guard count + bytes.readableBytes <= limits.bodyBytes else {
                return failPassed(Problem(.bodyTooLarge, "The body may have \(limits.bodyBytes) bytes."))
            }
            reading = .passed(since: since, bytes: count + bytes.readableBytes)
            context.fireChannelRead(Self.wrapInboundOut(.body(bytes)))
        case .nothing, .discarded: break
        }
    }

    private func end(_ trailers: HTTPHeaders?, _ context: ChannelHandlerContext) {
        let ended = reading
        reading = .nothing
        lastActivity = context.eventLoop.now
        switch ended {
        case .hot(let request):
            if request.call.connection == .close { reading = .discarded }
            redeem(request)
        case .passed:
            if turns.passed.last == false { reading = .discarded }
            context.fireChannelRead(Self.wrapInboundOut(.end(trailers)))
            // It may have had its answer before its body.
            endIfQuiet()
        case .nothing: break
        case .discarded: reading = .discarded
        }
    }

    private func redeem(_ request: HotRequest) {
        redeem(request.call) { () throws(Problem) in try request.asked(services) }
    }

    private func redeem(_ call: HotCall, _ request: () throws(Problem) -> RedeemRequest) {
        let ticket = turns.answers.reserve()
        let isLast = call.connection == .close
        do throws(Problem) {
            let asked = try request()
            if let trace = services.trace { call.trace(asked, to: trace) }
            services.decide(asked) { [self] decision in answer(call, ticket, decision, isLast: isLast) }
        } catch {
            answer(call, ticket, .refused(error), isLast: isLast)
        }
    }

    // MARK: Bytes, before the decoder

    /// Gives bytes to the decoder, unless they stand behind the last request of the connection.
    func feed(_ bytes: ByteBuffer, toDecoder decode: () -> Void) {
        guard phase == .open, failure == nil else { return }
        if case .discarded = reading { return }
        boundary.feed(bytes)
        decoderIsSilent = true
        decode()
        boundary.settle()
        noteHead(bytes)
        // It may have ended the connection, too.
        if phase == .open, isUnfinished {
            services.unfinished.add(bytes.readableBytes, of: self)
        } else {
            services.unfinished.remove(self)
        }
    }

    /// Whether a part of a request is here, and the rest is not.
    private var isUnfinished: Bool {
        switch reading {
        case .hot, .passed: true
        case .nothing: headBegan != nil
        case .discarded: false
        }
    }

    private func noteHead(_ bytes: ByteBuffer) {
        // Of a request it would have read something by now: these bytes are of a head that is not whole, or empty lines before one.
        guard decoderIsSilent, headBegan == nil, case .nothing = reading else { return }
        if bytes.readableBytesView.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }) {
            headBegan = context?.eventLoop.now
        }
    }

    // MARK: Plain redemptions

    /// Whether a redemption may begin here and now.
    var mayTakePlain: Bool {
        guard boundary.isKnown, phase == .open, failure == nil, waiting.isEmpty, case .nothing = reading else { return false }
        return turns.mayBegin(.hot, alone: false)
    }

    /// - Returns: the bytes of the request that was taken; `nil`: they do not begin with a plain one.
    func takePlain(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let context, let plain = PlainRedemption(bytes, limits: limits) else { return nil }
        isReading = true
        let now = context.eventLoop.now
        lastActivity = now
        redeem(HotCall(plain, now: now, services: services)) { () throws(Problem) in try plain.asked(services) }
        return plain.length
    }
}

/// What a client wants to hear before it sends the body (RFC 9110, section 10.1.1).
private enum Expectation {
    case none
    case continues
    case other

    init(_ head: HTTPRequestHead) {
        // HTTP/1.0 knows no interim answers, so its expectations are not heard.
        guard head.version != .http1_0, let value = head.headers.first(name: "expect") else {
            self = .none
            return
        }
        self = value.lowercased() == "100-continue" ? .continues : .other
    }
}

extension HTTPRequestHead {
    /// Whether everybody who reads the request sees it end in the same place. NIO's decoder refuses most of what is doubtful. It
    /// lets pass a `Transfer-Encoding` without a value, and one in HTTP/1.0 (RFC 9112, section 6.1).
    fileprivate var hasOneEnd: Bool {
        guard headers.contains(name: "transfer-encoding") else { return true }
        let encodings = headers["transfer-encoding"]
        return version == .http1_1 && encodings.count == 1 && encodings[0].lowercased() == "chunked"
    }

    /// Whether another request may stand behind it. Behind one that asks for another protocol NIO's decoder reads nothing more,
    /// whether or not it gets that protocol.
    var mayBeFollowed: Bool { isKeepAlive && method != .CONNECT && !headers.contains(name: "upgrade") }
}
