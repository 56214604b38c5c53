internal import NIOCore
internal import NIOTLS

/// One connection to the target: a request out, its answer in, one after the other. It is used on its event loop alone.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct InFlight {
        let request: WorkloadRequest
        /// Nanoseconds of the monotonic clock.
        let intended: UInt64
        let sent: UInt64
    }

    /// Its place in the worker's list.
    let slot: Int
    /// Until the connection is closed, when the worker lets go of it: TLS closes some time after it was asked to.
    private let worker: Worker
    private let answerLimit: Int
    /// Kept when TLS is agreed upon; `nil`: there is none.
    private let handshake: EventLoopPromise<Void>?
    private var context: ChannelHandlerContext?
    /// Used again and again; the channel is done with it when the next request is written.
    var outgoing: ByteBuffer
    /// What has come of an answer.
    private var partial: ByteBuffer?
    var inFlight: InFlight?

    init(slot: Int, worker: Worker, answerLimit: Int, outgoing: ByteBuffer, handshake: EventLoopPromise<Void>?) {
        self.slot = slot
        self.worker = worker
        self.answerLimit = answerLimit
        self.outgoing = outgoing
        self.handshake = handshake
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends what is in `outgoing`.
    func send(_ inFlight: InFlight) {
        self.inFlight = inFlight
        guard let context else { preconditionFailure("a request is sent on connection \(slot), which is closed") }
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
    }

    func close() { context?.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = NIODeadline.now().uptimeNanoseconds
        var bytes = unwrapInboundIn(data)
        if var earlier = partial {
            partial = nil
            earlier.writeBuffer(&bytes)
            bytes = earlier
        }
        guard inFlight != nil else { return invalid(context, at: now) }
        let parsed = bytes.withUnsafeReadableBytes { readable in
            let parsed = AnswerHead.parse(readable)
            if case .complete(let head) = parsed, head.end == readable.count {
                head.withBody(in: readable) { worker.answered(self, head, body: $0, at: now) }
            }
            return parsed
        }
        switch parsed {
        case .complete(let head):
            // Something behind an answer that nobody asked for.
            if head.end != bytes.readableBytes { invalid(context, at: now) }
        case .incomplete:
            if bytes.readableBytes > answerLimit { invalid(context, at: now) } else { partial = bytes }
        case .invalid: invalid(context, at: now)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? TLSUserEvent {
        case .handshakeCompleted: handshake?.succeed()
        case .shutdownCompleted, nil: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        handshake?.fail(ChannelError.eof)
        worker.lost(self, .connectionLost)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshake?.fail(error)
        context.close(promise: nil)
    }

    private func invalid(_ context: ChannelHandlerContext, at now: UInt64) {
        worker.lost(self, .invalidAnswer)
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension Connection: Sendable {}
