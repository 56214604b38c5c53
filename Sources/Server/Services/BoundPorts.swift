import Synchronization

/// The ports of the listeners, which are known once they listen.
public struct ServerPorts: Hashable, Sendable {
    public let api: Int
    public let ops: Int
}

/// Lets callers wait until both listeners have a port, or one of them has failed.
final class BoundPorts: Sendable {
    private struct State {
        var api: Int?
        var ops: Int?
        var failure: (any Error)?
        var waiters: [Int: CheckedContinuation<ServerPorts, any Error>] = [:]
        var lastWaiter = 0

        var result: Result<ServerPorts, any Error>? {
            if let failure { return .failure(failure) }
            guard let api, let ops else { return nil }
            return .success(ServerPorts(api: api, ops: ops))
        }
    }

    private let state = Mutex(State())

    func ports() async throws -> ServerPorts {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                update { $0.waiters[waiter] = continuation }
                // The handler may have run before there was a continuation.
                if Task.isCancelled { cancel(waiter) }
            }
        } onCancel: {
            cancel(waiter)
        }
    }

    private func cancel(_ waiter: Int) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
    }

    func bound(_ listener: ListenerService.Kind, to port: Int) {
        update { state in
            switch listener {
            case .api: state.api = port
            case .operations: state.ops = port
            }
        }
    }

    func failed(_ error: any Error) {
        update { if $0.result == nil { $0.failure = error } }
    }

    private func update(_ change: (inout sending State) -> Void) {
        let (result, waiters) = state.withLock { state in
            change(&state)
            let result = state.result
            defer { if result != nil { state.waiters = [:] } }
            return (result, Array(state.waiters.values))
        }
        guard let result else { return }
        for waiter in waiters { waiter.resume(with: result) }
    }
}
