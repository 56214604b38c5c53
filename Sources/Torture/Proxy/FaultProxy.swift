internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Stands between a client and a server on 127.0.0.1 and passes bytes on, until it is told to be a bad network. Knows nothing
/// of what it carries, so it serves between a program and Redis, Postgres or an HTTP server alike.
final class FaultProxy: Sendable {
    /// Where clients connect to.
    let port: Int
    private let listener: any Channel
    private let ledger: ProxyLedger

    private init(listener: any Channel, port: Int, ledger: ProxyLedger) {
        self.listener = listener
        self.port = port
        self.ledger = ledger
    }

    /// - Parameter target: the server's port; it may change later, and there need not be anybody yet.
    static func start(
        to target: Int,
        substituting substitutions: [Substitution] = [],
        on group: any EventLoopGroup
    ) async throws -> FaultProxy {
        let ledger = ProxyLedger(target: target)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ProxyConnection(channel, ledger: ledger, substitutions: substitutions)
                    try channel.pipeline.syncOperations.addHandler(connection.handler(.requests))
                    ledger.accept(connection, on: channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { preconditionFailure("a socket that listens has no port") }
        return FaultProxy(listener: listener, port: port, ledger: ledger)
    }

    var counts: ProxyCounts { ledger.counts }

    /// New connections go to another port: the server came back there.
    func retarget(to port: Int) { ledger.retarget(to: port) }

    /// Takes the place of the fault before. Returns when every connection is under it.
    func set(_ fault: LinkFault) async { await ledger.set(fault) }

    /// Resets every connection that is open.
    func resetConnections() async { await ledger.forEach { $0.reset() } }

    /// Nobody can connect any more, and every connection is reset.
    func stop() async {
        try? await listener.close()
        await resetConnections()
    }
}

/// What the connections of a proxy share.
final class ProxyLedger: Sendable {
    private struct State {
        var target: Int
        var fault = LinkFault.none
        var counts = ProxyCounts()
        var connections: [ObjectIdentifier: NIOLoopBound<ProxyConnection>] = [:]
    }

    private let state: Mutex<State>

    init(target: Int) { state = Mutex(State(target: target)) }

    var counts: ProxyCounts { state.withLock { $0.counts } }

    func count(_ change: (inout ProxyCounts) -> Void) { state.withLock { change(&$0.counts) } }

    func retarget(to port: Int) { state.withLock { $0.target = port } }

    func set(_ fault: LinkFault) async {
        state.withLock { $0.fault = fault }
        await forEach { $0.apply(fault) }
    }

    /// On the event loop of each connection.
    func forEach(_ body: @escaping @Sendable (ProxyConnection) -> Void) async {
        let connections = state.withLock { Array($0.connections.values) }
        let calls = connections.map { connection in connection.eventLoop.submit { body(connection.value) } }
        // Fails where the event loop has ended, and its connections with it.
        for call in calls { try? await call.get() }
    }

    func accept(_ connection: ProxyConnection, on channel: any Channel) {
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let (fault, target) = state.withLock { state in
            state.counts.connections += 1
            if case .refused = state.fault {
                state.counts.refused += 1
            } else {
                state.connections[ObjectIdentifier(connection)] = bound
            }
            return (state.fault, state.target)
        }
        if case .refused = fault { return ProxyConnection.reset(channel) }
        connection.apply(fault)
        connection.open(to: target)
    }

    func remove(_ connection: ProxyConnection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }
}
