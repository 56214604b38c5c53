/// One argument of a command.
package enum RESPArgument: Hashable, Sendable {
    case text(String)
    case bytes([UInt8])
}

extension [String] {
    package var asArguments: [RESPArgument] { map(RESPArgument.text) }
}

extension RedisCommands {
    /// Sends a command whose arguments are text.
    package func send(_ arguments: [String], to id: ReplicationID?, deadline: Duration?) async throws(RedisError) -> RESPValue {
        try await send(arguments.asArguments, to: id, deadline: deadline)
    }

    /// Sends commands whose arguments are text.
    package func pipeline(
        to id: ReplicationID?,
        deadline: Duration?,
        _ commands: @escaping @Sendable (ReplicationID) -> [[String]]
    ) async throws(RedisError) -> (replies: [RESPValue], from: ReplicationID) {
        try await pipeline(to: id, deadline: deadline) { id -> [[RESPArgument]] in commands(id).map(\.asArguments) }
    }
}
