/// One row of a result. It is valid on the connection's thread only, so decode the values that are to leave the thread.
public struct PostgresRow {
    let result: LibPQResult
    let index: Int

    /// The value of a column, counted from 0. An optional type takes NULL.
    ///
    /// Throws `protocolViolation` where the column does not hold such a value.
    public func decode<Value: PostgresValue>(_ column: Int, as type: Value.Type = Value.self) throws(PostgresError) -> Value {
        precondition(column < result.columnCount, "no column \(column)")
        let columnType = result.type(ofColumn: column)
        let value = result.withValue(row: index, column: column) { bytes in
            if let bytes { Value(postgres: bytes, type: columnType) } else { Value.null }
        }
        guard let value else {
            throw PostgresError(
                .protocolViolation,
                "column '\(result.name(ofColumn: column))' of \(columnType) does not hold a \(Value.self)"
            )
        }
        return value
    }
}

/// A message that NOTIFY sent.
public struct PostgresNotification: Hashable, Sendable {
    public let channel: String
    public let payload: String

    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}
