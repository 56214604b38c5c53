/// Where Postgres is, and the limits on its use.
public struct PostgresConfiguration: Sendable, CustomStringConvertible {
    /// A libpq connection URI or keyword string: `postgres://user:password@host:5432/database?sslmode=verify-full`.
    public var url: String
    /// Connections of a pool at most, and threads: each connection has one.
    public var maximumConnections = 8
    /// Calls that may wait for a connection at once; more are refused.
    public var maximumWaiters = 10_000
    /// How long a call waits for a connection of the pool.
    public var acquireTimeout: Duration = .seconds(5)
    public var connectTimeout: Duration = .seconds(5)
    /// Postgres ends a statement after this time.
    public var statementTimeout: Duration = .seconds(30)
    /// A connection whose answer is this much later than `statementTimeout` is taken for lost: Postgres is stopped, or the
    /// network is gone without a word.
    public var replyGrace: Duration = .seconds(5)
    /// Postgres ends a session that sits inside a transaction for this long: it may hold locks that others wait for.
    public var idleInTransactionTimeout: Duration = .seconds(30)
    /// Postgres ends a session without any statement for this long; `nil`: never. For a session that holds a lock, so that a
    /// stopped process loses it (waiting for notifications is idle time too, so wait for less than this).
    public var idleSessionTimeout: Duration?
    /// Prepared statements kept by a connection; the least recently used goes first.
    public var preparedStatements = 128
    /// Shown in `pg_stat_activity`, unless the URL names another.
    public var applicationName = "redeem"

    public init(url: String) {
        self.url = url
    }

    /// What is wrong with the URL; `nil`: nothing that can be seen from here. It quotes no part of it.
    public var urlFault: String? { ConnectionString.fault(in: url) }

    /// Host, port, user and database; never the password.
    public var description: String { ConnectionString.summary(of: url) }
}
