public import Domain
public import PostgresClient

extension PostgresConnection {
    /// The shard's cursor; `nil`: the shard has never been opened.
    public func cursor(of shard: Shard) throws -> Cursor? {
        try query("select epoch, last_id from outbox_cursor where shard = $1", shard).first.map(PostgresConnection.cursor)
    }

    private static func cursor(_ row: PostgresRow) throws(PostgresError) -> Cursor {
        Cursor(epoch: try row.decode(0), lastID: try row.decode(1))
    }

    /// Begins the shard's next epoch, the first of all being 1, and commits it. The cursor is then before the first stream id.
    ///
    /// The new epoch is also above each epoch of an entry in quarantine: such an entry counts as held by Redis in its epoch, and can land.
    ///
    /// Throws `LandingError.cursorMoved` unless the cursor is `expected`.
    ///
    /// - Parameter seen: an epoch that Redis has seen; the new one is above it too. Redis has seen a later one than Postgres
    ///   when Postgres was restored from a backup.
    public func beginEpoch(_ shard: Shard, after expected: Cursor?, above seen: Epoch? = nil) throws -> Cursor {
        try transaction {
            let last = [expected?.epoch, seen].compactMap(\.self).max() ?? Epoch(0)
            let next = try lastQuarantinedEpoch(of: shard, after: last).next
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

    /// How far an epoch in quarantine may be ahead of the last one. One that is further ahead was never begun: somebody wrote it into the
    /// outbox by hand. It does not count, or epochs would run out.
    private static let epochsAhead = 1_000_000

    /// The last epoch of an entry in quarantine, or `last` if that is later.
    private func lastQuarantinedEpoch(of shard: Shard, after last: Epoch) throws(PostgresError) -> Epoch {
        let sql = "select coalesce(max(epoch), $2) from quarantine where shard = $1 and epoch > $2 and epoch - $2 <= $3"
        return try query(sql, shard, last, PostgresConnection.epochsAhead)[0].decode(0)
    }

    /// Locks the cursor until the transaction ends. Throws `LandingError.cursorMoved` unless it is `expected`.
    func lockCursor(of shard: Shard, expected: Cursor) throws {
        let sql = "select epoch, last_id from outbox_cursor where shard = $1 for update"
        let actual = try query(sql, shard).first.map(PostgresConnection.cursor)
        guard actual == expected else { throw LandingError.cursorMoved(actual: actual) }
    }

    /// Moves the cursor and notifies listeners. Call it after `lockCursor`.
    func moveCursor(of shard: Shard, to cursor: Cursor) throws(PostgresError) {
        try notify(.cursor, "\(shard.index) \(cursor.epoch) \(cursor.lastID)")
        try execute("update outbox_cursor set epoch = $2, last_id = $3 where shard = $1", shard, cursor.epoch, cursor.lastID)
    }
}
