/// The limits on private servers.
public struct StackLimits: Sendable {
    /// How long a server may take to be ready, with its recovery after a crash.
    public var startTimeout: Duration = .seconds(60)
    /// How long a server may take to stop. After that it is killed.
    public var stopTimeout: Duration = .seconds(20)
    /// How long a program that prepares a server may take: initdb, psql.
    public var commandTimeout: Duration = .seconds(120)
    /// How often another port is tried if the chosen one was taken meanwhile.
    public var portAttempts = 8

    public init() {}

    /// How many lines of output an error carries.
    static let outputLines = 12
    /// The most bytes of a server's log file. A longer one is emptied when the server starts.
    static let logBytes = 16 << 20
    /// The most bytes of a unix socket's path: `sun_path` of Linux, less the closing NUL.
    static let socketPathBytes = 107
}
