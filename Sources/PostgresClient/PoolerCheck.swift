import CLibPQ
import Logging
import Synchronization

/// Finds a pooler that gives each transaction another server connection. Prepared statements, LISTEN, advisory locks and SET belong to
/// a server connection, so nothing here works behind such a pooler. Some of it would break silently: a lock would be held on a
/// server connection that other clients get.
enum PoolerCheck {
    /// Under load one round may miss the pooler: other clients may take just the server connections that would show it.
    private static let rounds = 8
    private static let timeout: Duration = .seconds(5)
    /// URLs that have passed the check: their pooler keeps one server connection for each client.
    private static let passed = Mutex(Set<String>())

    /// Throws `poolerInTransactionMode`.
    /// - Parameter serverPID: the id of the server process behind the connection, as that process tells it.
    static func check(
        _ link: LibPQConnection,
        serverPID: Int?,
        _ configuration: PostgresConfiguration,
        logger: Logger
    ) throws(PostgresError) {
        // Postgres tells a new connection the id of its server process. A pooler tells a number of its own instead.
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

    /// Marks the server connection by a setting, begins a transaction on a second connection, and looks which of the two sees the mark.
    /// If connections take turns on server connections, the second one gets the server connection that the first has just given back, or
    /// the first one gets another afterwards.
    private static func isShared(
        _ one: LibPQConnection,
        _ configuration: PostgresConfiguration,
        _ logger: Logger
    ) throws(PostgresError) -> Bool {
        var impatient = configuration
        (impatient.statementTimeout, impatient.replyGrace) = (timeout, .zero)
        let other = try LibPQConnection.open(impatient, logger: logger)
        let question = "select current_setting('redeem.pooler_check', true)"
        for _ in 0..<rounds {
            let mark = String(UInt64.random(in: 1...UInt64.max))
            _ = try one.runScript("select set_config('redeem.pooler_check', '\(mark)', false)")
            do {
                _ = try other.runScript("begin")
            } catch {
                // A pooler in statement mode refuses transactions: it says so, and hangs up.
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
