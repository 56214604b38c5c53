internal import NIOCore
internal import NIOTLS

/// One connection to the target. It sends a request, waits for its answer, and sends the next one. It is used on its event loop
/// alone.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct InFlight {
        let request: WorkloadRequest
        /// In nanoseconds of the monotonic clock.
        let intended: UInt64
        let sent: UInt64
    }

    /// The connection's place in the worker's list.
    let slot: Int
    /// This reference keeps the worker until the connection is closed and the worker drops it. TLS closes some time after it was
    /// asked to.
    private let worker: Worker
    private let answerLimit: Int
    /// Succeeds when TLS is agreed upon; `nil` without TLS.
    private let handshake: EventLoopPromise<Void>?
    private var context: ChannelHandlerContext?
    /// The buffer is used again and again. The channel is done with it when the next request is written.
    var outgoing: ByteBuffer
    /// The part of an answer that has come.
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

    /// Sends the bytes of `outgoing`.
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
            // Bytes behind an answer that nobody asked for.
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
