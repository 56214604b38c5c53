/// The calls of a client that code which keeps data in Redis makes. Tests have another implementation of them.
package protocol RedisCommands: Sendable {
    /// As `RedisClient.isOfCluster`.
    var isOfCluster: Bool { get }

    /// As `RedisClient.connect`.
    func connect() async throws(RedisError)

    /// As `RedisClient.send`.
    func send(_ arguments: [RESPArgument], to id: ReplicationID?, deadline: Duration?) async throws(RedisError) -> RESPValue

    /// As `RedisClient.pipeline`, for commands that name the Redis that they are for.
    func pipeline(
        to id: ReplicationID?,
        deadline: Duration?,
        _ commands: @escaping @Sendable (ReplicationID) -> [[RESPArgument]]
    ) async throws(RedisError) -> (replies: [RESPValue], from: ReplicationID)
}

extension RedisClient: RedisCommands {}
