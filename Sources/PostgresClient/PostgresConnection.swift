package import Logging

/// One connection. It is used on the thread that a pool or a dedicated connection runs the body on, and cannot leave it.
public final class PostgresConnection {
    /// Older versions may have everything that is needed, but are not tested.
    private static let leastServerVersion = 140_000

    let link: LibPQConnection
    private let configuration: PostgresConfiguration
    private var statements: StatementCache

    private init(link: LibPQConnection, configuration: PostgresConfiguration) {
        self.link = link
        self.configuration = configuration
        statements = StatementCache(capacity: configuration.preparedStatements)
    }

    /// Blocks the thread for up to `connectTimeout`.
    static func open(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError) -> PostgresConnection {
        try open(configuration, logger: logger, leastServerVersion) { $0.settings }
    }

    /// Opens another program's database, which is only read. It may be as old as Postgres 9.6, so it gets settings of that version only.
    package static func openForeign(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError)
        -> PostgresConnection
    {
        try open(configuration, logger: logger, 90_600) { $0.limits }
    }

    private static func open(
        _ configuration: PostgresConfiguration,
        logger: Logger,
        _ leastVersion: Int,
        _ settings: (PostgresConnection) -> String
    ) throws(PostgresError) -> PostgresConnection {
        let link = try LibPQConnection.open(configuration, logger: logger)
        guard link.serverVersion >= leastVersion else {
            throw PostgresError(
                .connectionFailed,
                "Postgres \(link.serverVersion / 10_000) is too old; \(leastVersion / 10_000) or newer is needed"
            )
        }
        let connection = PostgresConnection(link: link, configuration: configuration)
        do {
            let result = try link.runScript("\(settings(connection)); select pg_backend_pid()")
            try PoolerCheck.check(link, serverPID: result.text.flatMap { Int($0) }, configuration, logger: logger)
        } catch {
            guard error.code != .poolerInTransactionMode else { throw error }
            // Nobody uses the connection yet, so nothing can be half done.
            throw PostgresError(.connectionFailed, error.message, sqlState: error.sqlState, detail: error.detail)
        }
        return connection
    }

    /// The settings of each connection. A database or role may have `synchronous_commit = off`, by which Postgres may lose what it has
    /// committed.
    private var settings: String {
        """
        \(limits);
        set idle_session_timeout = \(configuration.idleSessionTimeout?.limitMilliseconds ?? 0);
        select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'
        """
    }

    private var limits: String {
        """
        set statement_timeout = \(configuration.statementTimeout.limitMilliseconds);
        set idle_in_transaction_session_timeout = \(configuration.idleInTransactionTimeout.limitMilliseconds)
        """
    }

    /// True once the connection is of no use any more: every statement throws `connectionLost`.
    public var isLost: Bool { link.isLost }

    // MARK: Statements

    /// Runs one statement, prepared at its first use, and returns its rows. Parameters are `$1`, `$2`, … in the text.
    @discardableResult
    public func query(_ sql: String, _ parameters: any PostgresValue...) throws(PostgresError) -> [PostgresRow] {
        try query(sql, parameters: parameters)
    }

    @discardableResult
    package func query(_ sql: String, parameters: [any PostgresValue]) throws(PostgresError) -> [PostgresRow] {
        let result = try run(sql, parameters)
        return (0..<result.rowCount).map { PostgresRow(result: result, index: $0) }
    }

    /// Runs one statement and returns the number of rows that it changed.
    @discardableResult
    public func execute(_ sql: String, _ parameters: any PostgresValue...) throws(PostgresError) -> Int {
        try run(sql, parameters).affectedRows
    }

    /// Runs statements without parameters, separated by semicolons.
    public func script(_ sql: String) throws(PostgresError) {
        _ = try link.runScript(sql)
    }

    private func run(_ sql: String, _ values: [any PostgresValue]) throws(PostgresError) -> LibPQResult {
        let parameters = ParameterList(values)
        let statement = StatementCache.Key(sql: sql, types: parameters.types)
        do {
            return try link.runPrepared(try prepared(statement), parameters)
        } catch {
            // A migration changed what the statement returns (0A000), or DISCARD took it away (26000): prepare it again next time.
            if error.sqlState == "0A000" || error.sqlState == "26000" { statements.remove(statement) }
            throw error
        }
    }

    private func prepared(_ statement: StatementCache.Key) throws(PostgresError) -> String {
        if let name = statements.name(of: statement) { return name }
        let name = statements.newName()
        try link.prepare(name, statement.sql, types: statement.types)
        if let evicted = statements.insert(statement, name: name) { try script("deallocate \(evicted)") }
        return name
    }

    // MARK: COPY

    /// `COPY table (columns) FROM STDIN`, in binary format. `write` appends the row of one element. Returns the number of rows.
    @discardableResult
    public func copyIn<Rows: Sequence>(
        _ rows: Rows,
        into table: String,
        _ columns: [String],
        _ write: (Rows.Element, inout CopyBuffer) -> Void
    ) throws(PostgresError) -> Int {
        var iterator = rows.makeIterator()
        let sql = "copy \(table) (\(columns.joined(separator: ", "))) from stdin (format binary)"
        return try link.copyIn(sql) { buffer in
            guard let element = iterator.next() else { return false }
            write(element, &buffer)
            return true
        }
    }

    // MARK: Time limits

    /// Runs `body` without a limit on the time of a statement, as migrations need it. Call it outside of transactions.
    package func withoutStatementTimeout<T>(_ body: () throws -> T) throws -> T {
        let replyTimeout = link.replyTimeout
        try script("set statement_timeout = 0")
        link.replyTimeout = nil
        let result = Result { try body() }
        link.replyTimeout = replyTimeout
        do {
            try script("set statement_timeout = \(configuration.statementTimeout.limitMilliseconds)")
        } catch {
            // Nobody else must get a connection without the limit. The result of `body` stands.
            link.abandon()
        }
        return try result.get()
    }
}
