import Logging
import NIOCore
import Synchronization

/// Who may come in at a listener: nobody before it is ready, at most a number of connections while it runs, and nobody once it
/// stops.
///
/// A listener may close its socket only when each connection that it has accepted is served by somebody. NIO drops those that
/// are still on the way there, and traps on the writer that nobody has finished.
final class ConnectionGate: Sendable {
    /// Connections at once. The socket accepts up to four at a time, so there may be three more.
    let allowed: Int
    let logger: Logger

    private struct State {
        var server: (any Channel)?
        var isOpen = false
        var isStopped = false
        /// Accepted, and not yet served.
        var arriving: Set<ObjectIdentifier> = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    init(allowed: Int, logger: Logger) {
        self.allowed = allowed
        self.logger = logger
    }

    var isOpen: Bool { state.withLock(\.isOpen) }
    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Lets in those who wait at the socket.
    func open(_ server: any Channel) async throws {
        try await server.pipeline.addHandler(GateHandler(gate: self), position: .first).get()
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
            state.arriving = []
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func accepted(_ channel: any Channel) {
        state.withLock { _ = $0.arriving.insert(ObjectIdentifier(channel)) }
    }

    /// Somebody serves it, or it has gone.
    func arrived(_ channel: any Channel) {
        let waiters = state.withLock { state in
            state.arriving.remove(ObjectIdentifier(channel))
            guard state.arriving.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
