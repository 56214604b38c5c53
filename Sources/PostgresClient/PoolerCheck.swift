import CLibPQ
import Logging
import Synchronization

/// Finds a pooler that gives a session another server connection for each transaction. Prepared statements, LISTEN, advisory locks
/// and SET belong to a server connection, so nothing here works behind one, and some of it would break silently: a lock would be held
/// on a connection that others get.
enum PoolerCheck {
    /// Under load a round may miss it: other clients may have taken and given back just the connections that hide it.
    private static let rounds = 8
    private static let timeout: Duration = .seconds(5)
    /// URLs behind whose pooler a session has been seen to be one.
    private static let passed = Mutex(Set<String>())

    /// Throws `poolerInTransactionMode`.
    /// - Parameter serverPID: of the server process behind the connection, as that says.
    static func check(
        _ link: LibPQConnection,
        serverPID: Int?,
        _ configuration: PostgresConfiguration,
        logger: Logger
    ) throws(PostgresError) {
        // A server tells a new connection its number. A pooler tells one of its own, by which it knows the session.
        if serverPID == Int(PQbackendPID(link.handle)) || passed.withLock({ $0.contains(configuration.url) }) { return }
        guard try !isShared(link, configuration, logger) else {
            throw PostgresError(
                .poolerInTransactionMode,
                "between here and Postgres is a pooler that gives each transaction another connection",
                hint: "connect to Postgres itself, or set the pooler to session mode (PgBouncer: pool_mode = session)."
            )
        }
        _ = passed.withLock { $0.insert(configuration.url) }
    }

    /// Sets something for the session, lets another session begin a transaction, and looks which of the two has it. Where sessions
    /// take turns on a connection, the second gets the one that the first has just given back, or the first gets another.
    private static func isShared(
        _ one: LibPQConnection,
        _ configuration: PostgresConfiguration,
        _ logger: Logger
    ) throws(PostgresError) -> Bool {
        var impatient = configuration
        (impatient.statementTimeout, impatient.replyGrace) = (timeout, .zero)
        let other = try LibPQConnection.open(impatient, logger: logger)
        let question = "select current_setting('redeem.session', true)"
        for _ in 0..<rounds {
            let mark = String(UInt64.random(in: 1...UInt64.max))
            _ = try one.runScript("select set_config('redeem.session', '\(mark)', false)")
            do {
                _ = try other.runScript("begin")
            } catch {
                // A pooler in statement mode says why it lets nobody begin a transaction, and hangs up.
                guard error.sqlState != nil else { throw error }
                return true
            }
            if try other.runScript(question).text == mark { return true }
            let kept = try one.runScript(question).text == mark
            _ = try other.runScript("rollback")
            guard kept else { return true }
        }
        return false
    }
}

extension LibPQResult {
    /// The first value of a result in text format.
    var text: String? {
        guard rowCount > 0, columnCount > 0 else { return nil }
        return withValue(row: 0, column: 0) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }
}
