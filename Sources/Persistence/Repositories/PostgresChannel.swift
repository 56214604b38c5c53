public import PostgresClient

/// The channels that the repositories notify, in the transaction that made the change.
public enum PostgresChannel: String, Sendable, CaseIterable {
    /// The control log grew. Payload: the sequence number.
    case control = "redeem_control"
    /// A cursor moved. Payload: shard index, epoch and last stream id, separated by spaces.
    case cursor = "redeem_cursor"
}

extension DedicatedPostgresConnection {
    /// Starts to receive the notifications of a channel.
    public func listen(to channel: PostgresChannel) async throws { try await listen(toChannel: channel.rawValue) }
}
