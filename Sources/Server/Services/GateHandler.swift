import Glibc
import HummingbirdCore
import Logging
import NIOCore

/// The part of a `ConnectionGate` in the pipeline of the socket that accepts.
///
/// It asks for more connections by itself. Hummingbird's sequence of accepted connections asks only while fewer than ten of them
/// wait for a task, and such a task waits for its turn among those of all open connections. So a busy server would leave new
/// clients in the kernel's queue. Here only the allowed number bounds them.
final class GateHandler: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    /// How long accepting pauses after the kernel had no room for another connection. `epoll` is level-triggered, so without a
    /// pause the socket would be tried again and again for as long as a client waits at it.
    static let pause: TimeAmount = .milliseconds(100)
    /// The least time between two warnings about that.
    private static let warningInterval: TimeAmount = .seconds(10)

    private let gate: ConnectionGate
    private var open = 0
    private var readIsHeld = false
    private var isPaused = false
    /// The channel's `maxMessagesPerRead`, which NIO sets to 4 at first.
    private var acceptsAtOnce = 4
    private var lastWarning: NIODeadline?
    private var context: ChannelHandlerContext?

    init(gate: ConnectionGate) { self.gate = gate }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        guard !isPaused, !gate.isStopped else { return }
        guard open < gate.allowed else {
            readIsHeld = true
            return
        }
        setAcceptsAtOnce(context)
        context.read()
    }

    /// Limits the next accept to the room that is left, so that there are never more connections than allowed.
    private func setAcceptsAtOnce(_ context: ChannelHandlerContext) {
        let accepts = max(1, min(gate.acceptsPerTurn, gate.allowed - open))
        guard accepts != acceptsAtOnce else { return }
        acceptsAtOnce = accepts
        // The call fails if the socket is closed; such a socket accepts nothing.
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(accepts))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = Self.unwrapInboundIn(data)
        open += 1
        gate.accepted(channel)
        channel.closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { [self] _ in closed(channel) }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        read(context: context)
    }

    private func closed(_ channel: any Channel) {
        open -= 1
        if let context, gate.isArriving(channel) {
            context.eventLoop.scheduleTask(in: ConnectionGate.closedGrace) { [gate] in gate.gone(channel) }
        }
        guard readIsHeld, open < gate.allowed, let context else { return }
        readIsHeld = false
        read(context: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error as? IOError)?.errnoCode {
        // The client that waited at the socket has gone. Later handlers would take the error for the end of the listener.
        case ECONNABORTED: break
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: pauseAccepting(context, because: error)
        default: context.fireErrorCaught(error)
        }
    }

    private func pauseAccepting(_ context: ChannelHandlerContext, because error: any Error) {
        guard !isPaused else { return }
        isPaused = true
        let now = context.eventLoop.now
        if lastWarning.map({ now - $0 >= GateHandler.warningInterval }) ?? true {
            lastWarning = now
            gate.logger.warning(
                "no room for another connection; those who come wait",
                metadata: ["error": "\(error)", "connections": "\(open)"]
            )
        }
        context.channel.setOption(.autoRead, value: false).assumeIsolated().whenComplete { _ in }
        context.eventLoop.assumeIsolated().scheduleTask(in: GateHandler.pause) { [self] in
            isPaused = false
            guard let context = self.context, !gate.isStopped else { return }
            // This reads without a call of `read` here. There is room, because an accept is tried only while there is some.
            setAcceptsAtOnce(context)
            _ = context.channel.setOption(.autoRead, value: true)
        }
    }
}

@available(*, unavailable)
extension GateHandler: Sendable {}

/// Keeps Hummingbird from accepting before the gate is in its place.
struct GateDelegate: AvailableConnectionsDelegate {
    let gate: ConnectionGate

    func connectionOpened() {}

    func connectionClosed() {}

    func isAcceptingNewConnections() -> Bool { gate.isOpen }
}

/// Tells the gate which connections are being served.
struct GatedChannel<Inner: ServerChildChannel>: ServerChildChannel {
    let inner: Inner
    let gate: ConnectionGate

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Inner.Value> {
        inner.setup(channel: channel, logger: logger).map { value in
            gate.prepared(channel)
            return value
        }
        .flatMapErrorThrowing { error in
            gate.arrived(channel)
            throw error
        }
    }

    func handle(value: Inner.Value, logger: Logger) async {
        gate.arrived(value.channel)
        await inner.handle(value: value, logger: logger)
    }
}
