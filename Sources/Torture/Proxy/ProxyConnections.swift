internal import NIOCore
internal import Synchronization

/// The connections that are open through a proxy, and what applies to all of them: the target, the fault and the counts.
final class ProxyConnections: Sendable {
    private struct State {
        var target: Int
        var fault = LinkFault.none
        var counts = ProxyCounts()
        var connections: [ObjectIdentifier: NIOLoopBound<ProxyConnection>] = [:]
    }

    private let state: Mutex<State>

    init(target: Int) { state = Mutex(State(target: target)) }

    var counts: ProxyCounts { state.withLock { $0.counts } }

    func record(_ change: (inout ProxyCounts) -> Void) { state.withLock { change(&$0.counts) } }

    func retarget(to port: Int) { state.withLock { $0.target = port } }

    func set(_ fault: LinkFault) async {
        state.withLock { $0.fault = fault }
        await forEach { $0.apply(fault) }
    }

    /// Runs `body` on the event loop of each connection.
    func forEach(_ body: @escaping @Sendable (ProxyConnection) -> Void) async {
        let connections = state.withLock { Array($0.connections.values) }
        let calls = connections.map { connection in connection.eventLoop.submit { body(connection.value) } }
        // This fails if the event loop has ended, and its connections with it.
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
