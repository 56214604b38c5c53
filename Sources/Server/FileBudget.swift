/// How a server shares out the files that it may open: each connection is one. A process that has none left cannot answer a probe,
/// cannot reach its stores, and is ended by libdispatch, so clients get what is left over.
public struct FileBudget: Sendable, Hashable {
    /// Of the process.
    public let limit: Int
    /// Kept from clients of the API.
    public let reserved: Int
    /// What as many connections as `ServerLimits` allows would take.
    public let needed: Int
    /// Clients of the API that are connected at once.
    public let connections: Int
    /// With fewer of these a server does not start.
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
