import Logging
import NIOCore
import Synchronization

/// Decides which connections a listener accepts: none before it is ready, at most `allowed` at once while it runs, and none once
/// it stops.
///
/// A listener may close its socket only when every connection that it has accepted is being served. NIO drops those that are
/// still on their way, and traps on a writer that nobody has finished.
final class ConnectionGate: Sendable {
    /// Connections that may be open at once.
    let allowed: Int
    /// Connections that are accepted in one turn of the event loop.
    let acceptsPerTurn: Int
    let logger: Logger

    private struct State {
        var server: (any Channel)?
        var isOpen = false
        var isStopped = false
        /// Connections that are accepted and not yet served.
        var arriving: [ObjectIdentifier: Stage] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Stage {
        /// The connection may still be dropped by NIO, if its client has gone.
        case accepted
        /// The connection has a writer, and will be served even if its client has gone.
        case prepared
    }

    /// A connection whose client has closed it counts as dropped if it is not prepared within this time. NIO does not tell of a
    /// drop.
    static let closedGrace: TimeAmount = .seconds(1)

    private let state = Mutex(State())

    init(allowed: Int, limits: ServerLimits, logger: Logger) {
        self.allowed = allowed
        acceptsPerTurn = limits.acceptsPerTurn
        self.logger = logger
    }

    var isOpen: Bool { state.withLock(\.isOpen) }
    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Begins to accept connections.
    func open(_ server: any Channel) async throws {
        try await server.eventLoop.submit {
            try server.pipeline.syncOperations.addHandler(GateHandler(gate: self), position: .first)
        }
        .get()
        let isStopped = state.withLock { state in
            state.server = server
            state.isOpen = true
            return state.isStopped
        }
        if !isStopped { server.read() }
    }

    /// Stops accepting, and returns when every accepted connection is being served.
    func stop() async {
        let server = state.withLock { state in
            state.isStopped = true
            return state.server
        }
        // Nothing sets it to true again. The call fails if the socket is closed; such a socket accepts nothing.
        try? await server?.setOption(.autoRead, value: false).get()
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.arriving.isEmpty { state.waiters.append(continuation) }
                return state.arriving.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// The listener has ended, so no connection is on its way any more.
    func close() {
        let waiters = state.withLock { state in
            state.isStopped = true
            state.arriving = [:]
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func accepted(_ channel: any Channel) {
        state.withLock { $0.arriving[ObjectIdentifier(channel)] = .accepted }
    }

    func prepared(_ channel: any Channel) {
        state.withLock { $0.arriving[ObjectIdentifier(channel)] = .prepared }
    }

    func isArriving(_ channel: any Channel) -> Bool { state.withLock { $0.arriving[ObjectIdentifier(channel)] != nil } }

    /// The connection is being served, or never will be.
    func arrived(_ channel: any Channel) { leave(channel) { _ in true } }

    /// The connection was closed `closedGrace` ago.
    func gone(_ channel: any Channel) { leave(channel) { $0 == .accepted } }

    private func leave(_ channel: any Channel, if isLeaving: (Stage) -> Bool) {
        let waiters = state.withLock { state in
            guard let stage = state.arriving[ObjectIdentifier(channel)], isLeaving(stage) else {
                return [CheckedContinuation<Void, Never>]()
            }
            state.arriving[ObjectIdentifier(channel)] = nil
            guard state.arriving.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
