public import Domain

extension PostgresConnection {
    /// `nil`: the shard has never been opened.
    public func cursor(of shard: Shard) throws -> Cursor? {
        try query("select epoch, last_id from outbox_cursor where shard = $1", shard).first.map(PostgresConnection.cursor)
    }

    private static func cursor(_ row: PostgresRow) throws(PostgresError) -> Cursor {
        Cursor(epoch: try row.decode(0), lastID: try row.decode(1))
    }

    /// Begins the next epoch (1 for a shard without a cursor) before the first stream id, and commits it.
    ///
    /// Throws `LandingError.cursorMoved` unless the cursor is `expected`.
    ///
    /// - Parameter seen: an epoch that Redis has seen; the new one is above it too. Redis has seen a later one than Postgres
    ///   when Postgres was restored from a backup.
    public func beginEpoch(_ shard: Shard, after expected: Cursor?, above seen: Epoch? = nil) throws -> Cursor {
        try transaction {
            let next = [expected?.epoch, seen].compactMap(\.self).max()?.next ?? Epoch(1)
            let begun = Cursor(epoch: next, lastID: .zero)
            if let expected {
                try lockCursor(of: shard, expected: expected)
            } else {
                let sql = "insert into outbox_cursor (shard, epoch, last_id) values ($1, $2, $3) on conflict do nothing"
                guard try execute(sql, shard, begun.epoch, begun.lastID) == 1 else {
                    throw LandingError.cursorMoved(actual: try cursor(of: shard))
                }
            }
            try moveCursor(of: shard, to: begun)
            return begun
        }
    }

    /// Until the transaction ends nobody else moves the cursor, and it is what the caller thinks.
    func lockCursor(of shard: Shard, expected: Cursor) throws {
        let sql = "select epoch, last_id from outbox_cursor where shard = $1 for update"
        let actual = try query(sql, shard).first.map(PostgresConnection.cursor)
        guard actual == expected else { throw LandingError.cursorMoved(actual: actual) }
    }

    /// Only after `lockCursor`. Tells the listeners.
    func moveCursor(of shard: Shard, to cursor: Cursor) throws(PostgresError) {
        try notify(.cursor, "\(shard.index) \(cursor.epoch) \(cursor.lastID)")
        try execute("update outbox_cursor set epoch = $2, last_id = $3 where shard = $1", shard, cursor.epoch, cursor.lastID)
    }
}
