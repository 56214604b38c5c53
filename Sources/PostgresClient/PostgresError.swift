/// An error between this program and Postgres.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// The kind of the error. More codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// No connection could be made: nobody answered, Postgres refused it, the password is wrong, or it took too long.
        public static let connectionFailed = Code(description: "connection_failed")
        /// A pooler between here and Postgres gives each transaction another server connection (`PoolerCheck`).
        public static let poolerInTransactionMode = Code(description: "pooler_in_transaction_mode")
        /// The connection broke, or Postgres did not answer within the deadline. The connection is of no use any more.
        public static let connectionLost = Code(description: "connection_lost")
        /// Every connection of the pool was in use until `PostgresConfiguration.acquireTimeout` was over.
        public static let acquireTimedOut = Code(description: "acquire_timed_out")
        /// `PostgresConfiguration.maximumWaiters` calls wait for a connection already.
        public static let tooManyWaiters = Code(description: "too_many_waiters")
        /// Postgres refused the statement; `sqlState` says why.
        public static let serverError = Code(description: "server_error")
        /// Postgres answered something that this program does not understand.
        public static let protocolViolation = Code(description: "protocol_violation")
        /// This program has closed the client or the connection.
        public static let closed = Code(description: "closed")
    }

    public let code: Code
    /// The server's code of five characters, if it sent one (Appendix A of the PostgreSQL manual).
    public let sqlState: String?
    public let message: String
    public let detail: String?
    public let hint: String?
    /// The name of the violated constraint.
    public let constraint: String?
    /// The connection was lost while a COMMIT, or a statement outside of a transaction, was under way: it may have taken
    /// effect, or not.
    public let outcomeIsUnknown: Bool

    package init(
        _ code: Code,
        _ message: String,
        sqlState: String? = nil,
        detail: String? = nil,
        hint: String? = nil,
        constraint: String? = nil,
        outcomeIsUnknown: Bool = false
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.outcomeIsUnknown = outcomeIsUnknown
    }

    public var isUniqueViolation: Bool { sqlState == "23505" }
    public var isCheckViolation: Bool { sqlState == "23514" }
    /// Another transaction holds a lock that is needed, and did not end in time.
    public var isLockTimeout: Bool { sqlState == "55P03" }
    public var isForeignKeyViolation: Bool { sqlState == "23503" }
    /// Classes 22 (data exception) and 23 (constraint violation): the data is at fault, so trying again does not help.
    public var isCausedByData: Bool { sqlState.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false }

    public var description: String {
        var text = "\(code)"
        if let sqlState { text += " \(sqlState)" }
        text += ": \(message)"
        if let detail { text += " (\(detail))" }
        if let hint { text += " Hint: \(hint)" }
        if outcomeIsUnknown { text += " (it is not known whether the change was made)" }
        return text
    }

    package func with(message: String? = nil, outcomeIsUnknown: Bool? = nil) -> PostgresError {
        PostgresError(
            code,
            message ?? self.message,
            sqlState: sqlState,
            detail: detail,
            hint: hint,
            constraint: constraint,
            outcomeIsUnknown: outcomeIsUnknown ?? self.outcomeIsUnknown
        )
    }
}
