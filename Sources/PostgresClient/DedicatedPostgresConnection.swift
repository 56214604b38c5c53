public import Logging
import NIOPosix
import Synchronization

/// A connection to Postgres with a thread of its own, for what belongs to one connection: advisory locks and LISTEN.
///
/// It never reconnects. Once it is lost, every call throws `connectionLost`, so nobody takes a lock that went with it for still held.
public final class DedicatedPostgresConnection: Sendable {
    private let threads: NIOThreadPool
    private let wakePipe: WakePipe
    private let state: Mutex<State>

    private struct State {
        /// `nil` once it is closed.
        var connection: LentConnection?
        /// Calls of `withConnection` that wait for the thread. Waiting for notifications makes room for them.
        var queued = 0
        var isClosing = false
    }

    private init(_ connection: LentConnection, threads: NIOThreadPool, wakePipe: WakePipe) {
        self.threads = threads
        self.wakePipe = wakePipe
        state = Mutex(State(connection: connection))
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// Connects. Throws `connectionFailed`.
    public static func open(_ configuration: PostgresConfiguration, logger: Logger) async throws -> DedicatedPostgresConnection {
        let wakePipe = try WakePipe()
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        do {
            let connection = try await threads.runBlocking {
                LentConnection(try PostgresConnection.open(configuration, logger: logger))
            } stopped: {
                PostgresError.connectionClosed
            }
            return DedicatedPostgresConnection(connection, threads: threads, wakePipe: wakePipe)
        } catch {
            await threads.stop()
            throw error
        }
    }

    /// Runs `body` with the connection, on its thread, which `body` may block; calls take turns. A transaction that `body` leaves
    /// open is rolled back.
    public func withConnection<T: Sendable>(_ body: @escaping @Sendable (PostgresConnection) throws -> T) async throws -> T {
        state.withLock { $0.queued += 1 }
        wakePipe.wake()
        return try await onThread { [self] connection in
            state.withLock { $0.queued -= 1 }
            defer { connection.rollBack() }
            return try body(connection)
        }
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    public func transaction<T: Sendable>(
        _ mode: TransactionMode = .readCommitted,
        _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        try await withConnection { connection in try connection.transaction(mode) { try body(connection) } }
    }

    /// Starts to receive the notifications of a channel.
    /// - Parameter name: an SQL identifier.
    package func listen(toChannel name: String) async throws {
        try await withConnection { try $0.script("listen \(name)") }
    }

    /// Waits until a notification arrives, and returns all that have arrived. The answer is empty when `timeout` is over, or when another
    /// call needs the connection. One task may wait at a time.
    ///
    /// Throws at once when the task is cancelled (`CancellationError`), the connection is closed (`closed`) or the server hangs up
    /// (`connectionLost`).
    public func waitForNotification(timeout: Duration) async throws -> [PostgresNotification] {
        let deadline = ContinuousClock.now + timeout
        let cancelled = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await onThread { [self] in try wait(on: $0, until: deadline, cancelled) }
        } onCancel: {
            cancelled.set()
            wakePipe.wake()
        }
    }

    private func wait(
        on connection: PostgresConnection,
        until deadline: ContinuousClock.Instant,
        _ cancelled: CancellationFlag
    ) throws -> [PostgresNotification] {
        while true {
            if cancelled.isSet { throw CancellationError() }
            try connection.link.readArrived()
            let notifications = connection.link.takeNotifications()
            if !notifications.isEmpty { return notifications }
            let (isClosing, queued) = state.withLock { ($0.isClosing, $0.queued) }
            if isClosing { throw PostgresError.connectionClosed }
            if queued > 0 { return [] }
            switch try connection.link.wait(reading: true, writing: false, until: deadline, wake: wakePipe) {
            case .ready: continue
            case .woken: wakePipe.drain()
            case .timedOut: return []
            }
        }
    }

    private func onThread<T: Sendable>(_ body: @escaping @Sendable (PostgresConnection) throws -> T) async throws -> T {
        try await threads.runBlocking { [self] in
            guard let connection = state.withLock({ $0.isClosing ? nil : $0.connection }) else {
                throw PostgresError.connectionClosed
            }
            return try body(connection.take())
        } stopped: {
            PostgresError.connectionClosed
        }
    }

    /// Closes the connection, which frees its locks. A wait for notifications ends, and a statement under way finishes before. May be
    /// called more than once.
    public func close() async {
        state.withLock { $0.isClosing = true }
        wakePipe.wake()
        await threads.stop()
        // The connection closes with its last reference, outside of the lock.
        let connection = state.withLock { $0.connection.take() }
        _ = connection
    }
}

private final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}
