/// Shares out the files that a server may open. A process without a free file cannot answer a probe, cannot reach its stores, and
/// is ended by libdispatch. So the server keeps what it needs itself. Clients get the rest, one file for each connection.
public struct FileBudget: Sendable, Hashable {
    /// The process's limit on open files.
    public let limit: Int
    /// Files that clients of the API do not get.
    public let reserved: Int
    /// Files for as many connections as `ServerLimits` allows, and the reserve.
    public let needed: Int
    /// Connections of clients of the API that may be open at once.
    public let connections: Int
    /// A server does not start with fewer connections than these.
    public let leastConnections: Int

    public init(limit: Int, configuration: ServerConfiguration, postgresConnections: Int) {
        let limits = configuration.limits
        self.limit = limit
        reserved =
            limits.otherFiles + limits.operationsConnections + configuration.eventLoops * limits.filesPerEventLoop
            + postgresConnections
        needed = reserved + limits.connections
        connections = max(0, min(limits.connections, limit - reserved))
        leastConnections = limits.leastConnections
    }

    public var isEnough: Bool { connections >= leastConnections }
}
