/// The limits on private servers.
public struct StackLimits: Sendable {
    /// From the start of a server to its readiness; recovery after a crash is part of it.
    public var startTimeout: Duration = .seconds(60)
    /// From the order to stop to the end. A server that takes longer is killed.
    public var stopTimeout: Duration = .seconds(20)
    /// For a program that prepares a server: initdb, psql.
    public var commandTimeout: Duration = .seconds(120)
    /// How often another port is tried when the one chosen was taken meanwhile.
    public var portAttempts = 8

    public init() {}

    /// The lines of output that an error carries.
    static let outputLines = 12
    /// The bytes of a server's log file. A longer one is emptied when the server starts.
    static let logBytes = 16 << 20
    /// The bytes of a unix socket's path: `sun_path` of Linux, less the closing NUL.
    static let socketPathBytes = 107
}
