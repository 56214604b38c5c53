/// The address of Postgres, and the limits on its use.
public struct PostgresConfiguration: Sendable, CustomStringConvertible {
    /// A libpq connection URI or keyword string: `postgres://user:password@host:5432/database?sslmode=verify-full`.
    public var url: String
    /// The most connections of a pool, and its threads: each connection has one.
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
    /// Postgres closes a connection that is idle within a transaction for this long: it may hold locks that others wait for.
    public var idleInTransactionTimeout: Duration = .seconds(30)
    /// Postgres closes a connection that sends no statement for this long (`idle_session_timeout`); `nil`: never. It is for connections
    /// that hold a lock, so that a stopped process loses the lock. Waiting for notifications is idle time too, so wait for less.
    public var idleSessionTimeout: Duration?
    /// The most prepared statements that a connection keeps; the least recently used one is dropped first.
    public var preparedStatements = 128
    /// `pg_stat_activity` shows this name, unless the URL gives another.
    public var applicationName = "redeem"

    public init(url: String) {
        self.url = url
    }

    /// The fault of the URL, in words that quote no part of it; `nil`: none that can be seen without connecting.
    public var urlFault: String? { ConnectionString.fault(in: url) }

    /// Host, port, user and database; never the password.
    public var description: String { ConnectionString.summary(of: url) }
}
