import NIOPosix

extension NIOThreadPool {
    /// Runs `body` on a thread of this pool. Unlike `runIfActive` it is deaf to the cancellation of the task, so that what
    /// `body` must give back is given back by `body`; where the pool has stopped and `body` does not run, `stopped` is called,
    /// and the error that it returns thrown.
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
            // Its only error is that of a pool made to run for ever, which ours is not.
            preconditionFailure("thread pool did not stop: \(error)")
        }
    }
}
