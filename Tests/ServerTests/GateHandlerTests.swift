import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Server

/// A socket with a gate, and clients that wait at it before it is opened. Those who are let in are given to nobody: each stays in the
/// sequence of accepted connections, as they do while all tasks are busy.
@Suite struct GateHandlerTests {
    @Test func allWhoWaitAreAcceptedAtOnceThoughNobodyTakesThem() async throws {
        let clients = 200
        var limits = ServerLimits()
        limits.acceptsPerTurn = 50
        try await withSocket(allowed: 1000, limits: limits, waiting: clients) { accepted in
            try await until("\(clients) clients are accepted") { try await accepted.now().all == clients }
            let now = try await accepted.now()
            #expect(now.greatestTurn <= limits.acceptsPerTurn)
            // One more than it takes, since a client may reach the queue a moment after the first turn.
            #expect(now.turns <= clients / limits.acceptsPerTurn + 1, "\(now.turns) turns of the event loop")
        }
    }

    @Test func thereAreNeverMoreThanAllowed() async throws {
        try await withSocket(allowed: 5, limits: ServerLimits(), waiting: 12) { accepted in
            for all in [5, 7, 9, 11, 12] {
                try await until("\(all) clients are accepted") { try await accepted.now().all == all }
                try await accepted.close(2)
            }
            #expect(try await accepted.now().greatest == 5)
        }
    }

    private func withSocket(
        allowed: Int,
        limits: ServerLimits,
        waiting: Int,
        _ body: (Accepted) async throws -> Void
    ) async throws {
        let gate = ConnectionGate(allowed: allowed, limits: limits, logger: testLogger())
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let accepted = Accepted(eventLoop: loop)
        let server = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: Int32(waiting))
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([Holding(gate: gate), Counting(accepted)])
                }
            }
            .bind(host: "127.0.0.1", port: 0) { $0.eventLoop.makeSucceededFuture($0) }
        do {
            let port = server.channel.localAddress?.port ?? 0
            let clients = try (0..<waiting).map { _ in try RawClient(port: port) }
            try await gate.open(server.channel)
            try await body(accepted)
            try await accepted.close()
            withExtendedLifetime(clients) {}
        } catch {
            try? await server.channel.close()
            throw error
        }
        try await server.channel.close()
    }
}

/// What came out of the socket, on its event loop.
private final class Accepted: Sendable {
    struct Count {
        var all = 0
        var open: [any Channel] = []
        /// That were open at a time.
        var greatest = 0
        var turns = 0
        var thisTurn = 0
        var greatestTurn = 0
    }

    private let eventLoop: any EventLoop
    let count: NIOLoopBoundBox<Count>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        count = .makeBoxSendingValue(Count(), eventLoop: eventLoop)
    }

    func now() async throws -> Count { try await eventLoop.submit { self.count.value }.get() }

    func close(_ number: Int = .max) async throws {
        for channel in try await now().open.prefix(number) { try await channel.close() }
    }
}

private final class Counting: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let accepted: Accepted

    init(_ accepted: Accepted) { self.accepted = accepted }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = Self.unwrapInboundIn(data)
        let count = accepted.count
        count.value.all += 1
        count.value.thisTurn += 1
        count.value.open.append(channel)
        count.value.greatest = max(count.value.greatest, count.value.open.count)
        channel.closeFuture.hop(to: context.eventLoop).whenComplete { _ in count.value.open.removeAll { $0 === channel } }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let count = accepted.count
        if count.value.thisTurn > 0 { count.value.turns += 1 }
        count.value.greatestTurn = max(count.value.greatestTurn, count.value.thisTurn)
        count.value.thisTurn = 0
        context.fireChannelReadComplete()
    }
}

/// Asks for nobody before the gate is in its place, as `GateDelegate` sees to.
private final class Holding: ChannelOutboundHandler {
    typealias OutboundIn = Never

    private let gate: ConnectionGate

    init(gate: ConnectionGate) { self.gate = gate }

    func read(context: ChannelHandlerContext) {
        if gate.isOpen { context.read() }
    }
}
