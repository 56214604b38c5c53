import NIOPosix

extension NIOThreadPool {
    /// Runs `body` on a thread of this pool. Unlike `runIfActive` it goes on when the task is cancelled, so `body` always gives back what
    /// it must. If the pool has stopped, `stopped` is called in place of `body`, and its error is thrown.
    func runBlocking<T: Sendable>(
        _ body: @escaping @Sendable () throws -> T,
        stopped: @escaping @Sendable () -> PostgresError
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit { state in
                switch state {
                case .active: continuation.resume(with: Result { try body() })
                case .cancelled: continuation.resume(throwing: stopped())
                }
            }
        }
    }

    func stop() async {
        do {
            try await shutdownGracefully()
        } catch {
            // It throws only for a pool that is made to run for ever, which ours is not.
            preconditionFailure("thread pool did not stop: \(error)")
        }
    }
}
