import CLibPQ
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A `PGconn`, which is closed and freed with this object. One thread at a time uses it.
///
/// libpq runs in its non-blocking mode and every wait is a `poll` with a deadline in `wait`: the blocking calls of libpq
/// wait forever for a server that was stopped or a network that swallows packets.
final class LibPQConnection {
    let handle: OpaquePointer
    let notices: NoticeLog
    /// How long an answer may take; `nil`: forever.
    var replyTimeout: Duration?
    /// True if the connection is of no use any more, and libpq cannot know it.
    private(set) var isAbandoned = false

    private init(taking handle: OpaquePointer, replyTimeout: Duration?, logger: Logger) {
        self.handle = handle
        self.replyTimeout = replyTimeout
        notices = NoticeLog(logger: logger)
        notices.receive(from: handle)
    }

    deinit { PQfinish(handle) }

    static func open(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError) -> LibPQConnection {
        if let fault = ConnectionString.fault(in: configuration.url) {
            throw PostgresError(.connectionFailed, "the Postgres URL: \(fault)")
        }
        guard let handle = start(configuration) else { throw PostgresError(.connectionFailed, "out of memory") }
        let connection = LibPQConnection(
            taking: handle,
            replyTimeout: configuration.statementTimeout + configuration.replyGrace,
            logger: logger
        )
        try connection.finishConnecting(within: configuration.connectTimeout)
        return connection
    }

    private static func start(_ configuration: PostgresConfiguration) -> OpaquePointer? {
        let options = [
            ("dbname", configuration.url), ("client_encoding", "UTF8"),
            ("fallback_application_name", configuration.applicationName),
        ]
        let keywords = options.map { strdup($0.0) } + [nil]
        let values = options.map { strdup($0.1) } + [nil]
        defer { for text in keywords + values { free(text) } }
        // The 1 expands `dbname` as a connection string.
        return PQconnectStartParams(keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
    }

    private func finishConnecting(within timeout: Duration) throws(PostgresError) {
        let deadline = ContinuousClock.now + timeout
        var next = PGRES_POLLING_WRITING
        while PQstatus(handle) != CONNECTION_BAD {
            switch next {
            case PGRES_POLLING_OK:
                PQsetnonblocking(handle, 1)
                return
            case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
                let reading = next == PGRES_POLLING_READING
                guard try wait(reading: reading, writing: !reading, until: deadline) != .timedOut else {
                    throw PostgresError(.connectionFailed, "no connection to Postgres within \(timeout)")
                }
            default:
                throw PostgresError(.connectionFailed, lastMessage)
            }
            next = PQconnectPoll(handle)
        }
        throw PostgresError(.connectionFailed, lastMessage)
    }

    // MARK: State

    enum TransactionState {
        case idle
        case inTransaction
        /// A statement failed; only ROLLBACK helps.
        case failed
        /// A statement is under way, or the connection is lost.
        case undefined
    }

    var transactionState: TransactionState {
        switch PQtransactionStatus(handle) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .failed
        default: .undefined
        }
    }

    var isLost: Bool { isAbandoned || PQstatus(handle) != CONNECTION_OK }
    var lastMessage: String { String(cString: PQerrorMessage(handle)).oneLine }
    /// The server's version, such as 150018 for 15.18.
    var serverVersion: Int { Int(PQserverVersion(handle)) }

    func abandon() { isAbandoned = true }

    // MARK: Waiting

    enum WaitResult { case ready, timedOut, woken }

    /// Waits for the socket until `deadline`; `nil`: forever.
    func wait(
        reading: Bool,
        writing: Bool,
        until deadline: ContinuousClock.Instant?,
        wake: WakePipe? = nil
    ) throws(PostgresError) -> WaitResult {
        let events = Int16((reading ? POLLIN : 0) | (writing ? POLLOUT : 0))
        while true {
            let socket = PQsocket(handle)
            guard socket >= 0 else { throw PostgresError(.connectionLost, lastMessage) }
            var polled = [pollfd(fd: socket, events: events, revents: 0)]
            if let wake { polled.append(pollfd(fd: wake.readEnd, events: Int16(POLLIN), revents: 0)) }
            let count = poll(&polled, nfds_t(polled.count), LibPQConnection.milliseconds(until: deadline))
            if count > 0 { return polled[0].revents != 0 ? .ready : .woken }
            if count == 0 { return .timedOut }
            guard errno == EINTR else { throw PostgresError(.connectionLost, "poll failed with errno \(errno)") }
        }
    }

    /// −1: forever.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        return Int32(clamping: (deadline - ContinuousClock.now).limitMilliseconds)
    }
}
