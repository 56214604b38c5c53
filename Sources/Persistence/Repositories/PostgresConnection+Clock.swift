public import Domain
public import PostgresClient

extension PostgresConnection {
    /// The server's time.
    public func serverTime() throws(PostgresError) -> Timestamp { try query("select now()")[0].decode(0) }
}
