import Logging
import NIOCore
import Synchronization

/// Who may come in at a listener: nobody before it is ready, at most a number of connections while it runs, and nobody once it
/// stops.
///
/// A listener may close its socket only when each connection that it has accepted is served by somebody. NIO drops those that
/// are still on the way there, and traps on the writer that nobody has finished.
final class ConnectionGate: Sendable {
    /// Connections at once.
    let allowed: Int
    /// Of them, in one turn of the event loop that accepts.
    let acceptsPerTurn: Int
    let logger: Logger

    private struct State {
        var server: (any Channel)?
        var isOpen = false
        var isStopped = false
        /// Accepted, and not yet served.
        var arriving: [ObjectIdentifier: Stage] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Stage {
        /// It may still be dropped by NIO, if its client has gone.
        case accepted
        /// It has a writer, and will be served, even if its client has gone.
        case prepared
    }

    /// How long one that its client has closed may take to be prepared, or to be dropped, which nobody tells.
    static let closedGrace: TimeAmount = .seconds(1)

    private let state = Mutex(State())

    init(allowed: Int, limits: ServerLimits, logger: Logger) {
        self.allowed = allowed
        acceptsPerTurn = limits.acceptsPerTurn
        self.logger = logger
    }

    var isOpen: Bool { state.withLock(\.isOpen) }
    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Lets in those who wait at the socket.
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

    /// Lets nobody in any more, and returns when everybody who is in is served.
    func stop() async {
        let server = state.withLock { state in
            state.isStopped = true
            return state.server
        }
        // Nothing else sets it to true from now on. It fails where the socket is closed, which accepts no more either.
        try? await server?.setOption(.autoRead, value: false).get()
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.arriving.isEmpty { state.waiters.append(continuation) }
                return state.arriving.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// The listener has ended, however it did: nobody is on the way any more.
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

    /// Somebody serves it, or nobody will.
    func arrived(_ channel: any Channel) { leave(channel) { _ in true } }

    /// It was closed `closedGrace` ago.
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
