internal import NIOCore
internal import NIOPosix

/// One connection through a proxy: two channels on one event loop, and a lane for each direction. It is used on that loop alone.
final class ProxyConnection {
    private let client: any Channel
    private let connections: ProxyConnections
    private let requests: Lane
    private let replies: Lane
    private var server: (any Channel)?
    private var isClientLost = false
    private var isServerLost = false

    init(_ client: any Channel, connections: ProxyConnections, substitutions: [Substitution]) {
        self.client = client
        self.connections = connections
        let loop = client.eventLoop
        requests = Lane(.requests, eventLoop: loop, connections: connections, substitutions: substitutions)
        replies = Lane(.replies, eventLoop: loop, connections: connections, substitutions: substitutions)
        requests.connect(from: client)
        replies.connect(to: client)
        requests.cut = { [weak self] in self?.reset() }
        replies.cut = { [weak self] in self?.reset() }
    }

    /// The handler of the client's channel, or of the server's.
    func handler(_ direction: LinkFault.Direction) -> LaneHandler {
        switch direction {
        case .requests: LaneHandler(connection: self, lane: requests)
        case .replies: LaneHandler(connection: self, lane: replies)
        }
    }

    func open(to port: Int) {
        let connection = NIOLoopBound(self, eventLoop: client.eventLoop)
        ClientBootstrap(group: client.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = connection.value
                    connection.replies.connect(from: channel)
                    try channel.pipeline.syncOperations.addHandler(connection.handler(.replies))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenComplete { connection.value.opened($0) }
    }

    private func opened(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            guard !isClientLost else { return channel.close(promise: nil) }
            server = channel
            requests.connect(to: channel)
        case .failure:
            connections.record { $0.unreachable += 1 }
            isServerLost = true
            ProxyConnection.reset(client)
        }
    }

    func apply(_ fault: LinkFault) {
        requests.apply(fault)
        replies.apply(fault)
    }

    /// One side takes more again.
    func pump() {
        requests.pump()
        replies.pump()
    }

    /// Resets both sides. They lose what they have not read yet.
    func reset() {
        connections.record { $0.reset += 1 }
        ProxyConnection.reset(client)
        if let server { ProxyConnection.reset(server) }
    }

    static func reset(_ channel: any Channel) {
        guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }

    /// One side has gone. The other side is closed once it has got all bytes that wait for it.
    func lost(_ channel: any Channel) {
        if channel === client {
            isClientLost = true
            requests.sourceLost()
        } else {
            isServerLost = true
            replies.sourceLost()
        }
        if isClientLost, isServerLost || server == nil { connections.remove(self) }
    }
}

@available(*, unavailable)
extension ProxyConnection: Sendable {}

/// Reads one side into its lane.
final class LaneHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let connection: ProxyConnection
    private let lane: Lane

    init(connection: ProxyConnection, lane: Lane) {
        self.connection = connection
        self.lane = lane
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { lane.received(unwrapInboundIn(data)) }

    func read(context: ChannelHandlerContext) { if lane.mayRead() { context.read() } }

    func channelWritabilityChanged(context: ChannelHandlerContext) { connection.pump() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { lane.sourceEnded() } else { context.fireUserInboundEventTriggered(event) }
    }

    func channelInactive(context: ChannelHandlerContext) { connection.lost(context.channel) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@available(*, unavailable)
extension LaneHandler: Sendable {}
