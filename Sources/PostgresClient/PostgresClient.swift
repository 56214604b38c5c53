public import Logging
import NIOPosix
import Synchronization

/// A bounded pool of connections. They are used on threads of the pool, so libpq never runs on Swift's cooperative threads.
///
/// A connection is opened when it is first needed. One that broke is replaced at its next use.
public final class PostgresClient: Sendable {
    private let configuration: PostgresConfiguration
    private let logger: Logger
    private let threads: NIOThreadPool
    private let state: Mutex<State>

    private struct State {
        var pool: PoolState<LentConnection, Waiter>
        var nextWaiter = 0
        /// Calls of `close` that wait for the last permit.
        var closers: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private struct Waiter {
        let continuation: CheckedContinuation<LentConnection?, any Error>
        let timer: Task<Void, Never>
    }

    public init(configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        threads = NIOThreadPool(numberOfThreads: configuration.maximumConnections)
        threads.start()
        let pool = PoolState<LentConnection, Waiter>(
            capacity: configuration.maximumConnections,
            maximumWaiters: configuration.maximumWaiters
        )
        state = Mutex(State(pool: pool))
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// Runs `body` with a connection, on a thread that `body` may block. Cancelling the task ends the wait for a connection, but not work
    /// that has begun.
    ///
    /// Throws `acquireTimedOut`, `tooManyWaiters`, `connectionFailed`, `closed`, and what `body` throws. A transaction that
    /// `body` leaves open is rolled back.
    public func withConnection<T: Sendable>(_ body: @escaping @Sendable (PostgresConnection) throws -> T) async throws -> T {
        let idle = try await acquire()
        return try await threads.runBlocking { [self] in
            var connection = idle?.takeIfAlive()
            if idle != nil, connection == nil { logger.info("Postgres closed an idle connection; opening another") }
            defer { release(connection) }
            let usable = try connection ?? PostgresConnection.open(configuration, logger: logger)
            connection = usable
            return try body(usable)
        } stopped: { [self] in
            release(nil)
            return PostgresError.clientClosed
        }
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    public func transaction<T: Sendable>(
        _ mode: TransactionMode = .readCommitted,
        _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        try await withConnection { connection in try connection.transaction(mode) { try body(connection) } }
    }

    // MARK: Permits

    private func acquire() async throws -> LentConnection? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                acquire(id: id, continuation)
            }
        } onCancel: {
            giveUp(id: id, CancellationError())
        }
    }

    private func acquire(id: Int, _ continuation: CheckedContinuation<LentConnection?, any Error>) {
        let acquired = state.withLock { state in
            let acquired = state.pool.acquire()
            if case .wait = acquired {
                let waiter = Waiter(continuation: continuation, timer: timer(id: id))
                state.pool.enqueue(waiter, id: id)
            }
            return acquired
        }
        switch acquired {
        case .permit(let connection): continuation.resume(returning: connection)
        // A cancellation that came before the waiter was in the queue found nobody to wake.
        case .wait: if Task.isCancelled { giveUp(id: id, CancellationError()) }
        case .tooManyWaiters:
            let message = "\(configuration.maximumWaiters) calls wait for a Postgres connection already"
            continuation.resume(throwing: PostgresError(.tooManyWaiters, message))
        case .closed: continuation.resume(throwing: PostgresError.clientClosed)
        }
    }

    private func timer(id: Int) -> Task<Void, Never> {
        Task { [weak self, configuration] in
            do { try await Task.sleep(for: configuration.acquireTimeout) } catch { return }
            let message =
                "all \(configuration.maximumConnections) Postgres connections were in use for \(configuration.acquireTimeout)"
            self?.giveUp(id: id, PostgresError(.acquireTimedOut, message))
        }
    }

    private func giveUp(id: Int, _ error: any Error) {
        guard let waiter = state.withLock({ $0.pool.giveUp(id: id) }) else { return }
        waiter.timer.cancel()
        waiter.continuation.resume(throwing: error)
    }

    private func release(_ connection: PostgresConnection?) {
        connection?.rollBack()
        let lent = connection.flatMap { $0.isLost ? nil : LentConnection($0) }
        let (released, closers) = state.withLock { state in
            let released = state.pool.release(lent)
            guard case .drop(last: true) = released else { return (released, [CheckedContinuation<Void, Never>]()) }
            defer { state.closers = [] }
            return (released, state.closers)
        }
        switch released {
        case .handOver(let waiter, let connection):
            waiter.timer.cancel()
            waiter.continuation.resume(returning: connection)
        case .idle: break
        case .drop: for closer in closers { closer.resume() }
        }
    }

    // MARK: Closing

    /// Refuses new calls, waits for those under way (for a Postgres that does not answer, `statementTimeout` and `replyGrace`
    /// long), and closes every connection. May be called more than once.
    public func close() async {
        await withCheckedContinuation { continuation in
            let (closing, isLast) = state.withLock { state in
                let closing = state.pool.close()
                if !closing.last { state.closers.append(continuation) }
                return (closing, closing.last)
            }
            for waiter in closing.refused {
                waiter.timer.cancel()
                waiter.continuation.resume(throwing: PostgresError.clientClosed)
            }
            if isLast { continuation.resume() }
        }
        await threads.stop()
    }
}

extension PostgresError {
    static let clientClosed = PostgresError(.closed, "the Postgres client has been closed")
    static let connectionClosed = PostgresError(.closed, "the connection to Postgres has been closed")
}
