internal import NIOCore
internal import NIOPosix

/// Stands between a client and a server on 127.0.0.1, and passes bytes on until it is told to be a bad network. It knows no
/// protocol, so the server may be Redis, Postgres or an HTTP server.
final class FaultProxy: Sendable {
    /// The port that clients connect to.
    let port: Int
    private let listener: any Channel
    private let connections: ProxyConnections

    private init(listener: any Channel, port: Int, connections: ProxyConnections) {
        self.listener = listener
        self.port = port
        self.connections = connections
    }

    /// - Parameter target: the server's port. It may change later, and nobody need listen there yet.
    static func start(
        to target: Int,
        substituting substitutions: [Substitution] = [],
        on group: any EventLoopGroup
    ) async throws -> FaultProxy {
        let connections = ProxyConnections(target: target)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ProxyConnection(channel, connections: connections, substitutions: substitutions)
                    try channel.pipeline.syncOperations.addHandler(connection.handler(.requests))
                    connections.accept(connection, on: channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { preconditionFailure("a socket that listens has no port") }
        return FaultProxy(listener: listener, port: port, connections: connections)
    }

    var counts: ProxyCounts { connections.counts }

    /// Lets new connections go to another port, where the server came back.
    func retarget(to port: Int) { connections.retarget(to: port) }

    /// Replaces the fault before. Returns when every connection has the new one.
    func set(_ fault: LinkFault) async { await connections.set(fault) }

    /// Resets every connection that is open.
    func resetConnections() async { await connections.forEach { $0.reset() } }

    /// Stops listening, and resets every connection.
    func stop() async {
        try? await listener.close()
        await resetConnections()
    }
}
