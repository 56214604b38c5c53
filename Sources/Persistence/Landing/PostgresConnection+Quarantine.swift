public import Domain
public import PostgresClient

extension PostgresConnection {
    /// Inserts the rows that fit, in their order, and puts the others into quarantine. Returns how many went to quarantine.
    ///
    /// Rows that fail together are halved until the bad ones stand alone: a few bad rows among thousands cost some dozens of attempts.
    func insertWhatFits(_ rows: ArraySlice<LandingRow>, _ batch: LandingBatch) throws -> Int {
        do {
            try savepoint { try insert(rows, batch) }
            return 0
        } catch let error as PostgresError where error.isCausedByData {
            guard rows.count > 1 else {
                for row in rows { try quarantine(row, error.reason, batch) }
                return rows.count
            }
            let middle = rows.startIndex + rows.count / 2
            return try insertWhatFits(rows[..<middle], batch) + insertWhatFits(rows[middle...], batch)
        }
    }

    /// Puts entries that do not parse, and redemptions of another epoch, into quarantine. Returns how many these are.
    func quarantineUnfit(_ batch: LandingBatch) throws -> Int {
        var count = 0
        for entry in batch.entries where entry.epoch != batch.cursor.epoch {
            for redemption in entry.redemptions {
                let reason = "an entry of epoch \(entry.epoch) in the outbox of epoch \(batch.cursor.epoch)"
                try quarantine(LandingRow(redemption: redemption, entry: entry.id), reason, batch.shard, entry.epoch)
                count += 1
            }
        }
        for malformed in batch.malformed { try quarantine(malformed, batch.shard, batch.cursor.epoch) }
        return count + batch.malformed.count
    }

    private func quarantine(_ row: LandingRow, _ reason: String, _ batch: LandingBatch) throws(PostgresError) {
        try quarantine(row, reason, batch.shard, batch.cursor.epoch)
    }

    // Nothing is put into quarantine twice. Unique indexes see to that, even if another connection does the same at the same time.

    /// Puts a row into quarantine. Returns 1, or 0 if it was there.
    @discardableResult
    private func quarantine(
        _ row: LandingRow,
        _ reason: String,
        _ shard: Shard,
        _ epoch: Epoch
    ) throws(PostgresError) -> Int {
        let redemption = row.redemption
        let found = UnaccountedRedemption(
            shard: shard,
            epoch: epoch,
            id: redemption.id,
            user: redemption.user,
            coupon: redemption.coupon,
            price: redemption.price
        )
        return try quarantine(found, at: row.entry, reason)
    }

    /// The same for a redemption whose price may be unknown.
    private func quarantine(
        _ found: UnaccountedRedemption,
        at entry: StreamID,
        _ reason: String
    ) throws(PostgresError) -> Int {
        let sql = """
            insert into quarantine (shard, epoch, stream_id, entry, reason)
            values ($1, $2, $3, jsonb_strip_nulls(jsonb_build_object('redemption', $4, 'user', $5, 'coupon', $6, 'price', $7)), $8)
            on conflict do nothing
            """
        return try execute(
            sql,
            found.shard,
            found.epoch,
            entry,
            found.id,
            found.user,
            found.coupon,
            found.price,
            reason
        )
    }

    /// The same for an entry that does not parse.
    @discardableResult
    private func quarantine(_ malformed: LandingBatch.Malformed, _ shard: Shard, _ epoch: Epoch) throws(PostgresError) -> Int {
        let sql = """
            insert into quarantine (shard, epoch, stream_id, entry, reason)
            values ($1, $2, $3, jsonb_build_object('fields', to_jsonb($4)), $5)
            on conflict do nothing
            """
        return try execute(sql, shard, epoch, malformed.id, malformed.fields.map(\.storable), malformed.reason.storable)
    }

    /// Puts into quarantine what is neither a row nor in quarantine, and was never dropped from there. Returns how many redemptions and
    /// malformed entries these are.
    public func quarantineUnlanded(_ found: UnlandedEntries) throws -> Int {
        let rows = found.entries.flatMap { entry in
            entry.redemptions.map { (LandingRow(redemption: $0, entry: entry.id), entry.epoch) }
        }
        return try lookingForQuarantine {
            let known = try knownRedemptions(rows.map(\.0.redemption.id))
            var count = 0
            for (row, epoch) in rows where !known.contains(row.redemption.id) {
                count += try quarantine(row, found.reason, found.shard, epoch)
            }
            for malformed in found.malformed {
                let sql = """
                    select exists (select from quarantine_drops where shard = $1 and stream_id = $2
                                   and entry = jsonb_build_object('fields', to_jsonb($3)))
                    """
                let isDropped: Bool = try query(sql, found.shard, malformed.id, malformed.fields.map(\.storable))[0].decode(0)
                if !isDropped { count += try quarantine(malformed, found.shard, found.epoch) }
            }
            return count
        }
    }

    /// The same for redemptions that no outbox has, and users' records in Redis have. Returns how many went to quarantine.
    public func quarantine(_ found: [UnaccountedRedemption], reason: String) throws -> Int {
        try lookingForQuarantine {
            let known = try knownRedemptions(found.map(\.id))
            var count = 0
            for item in found where !known.contains(item.id) {
                count += try quarantine(item, at: item.streamID, reason)
            }
            return count
        }
    }

    /// Runs a transaction that looks which redemptions are known, and then puts the others into quarantine. Such transactions take turns.
    /// Otherwise one that had looked could put a redemption back that another had put there, and an operator had dropped since.
    private func lookingForQuarantine<T>(_ body: () throws -> T) throws -> T {
        try transaction {
            try takeLock(.quarantine)
            return try body()
        }
    }

    /// The redemptions that are rows, are in quarantine, or were dropped from there.
    private func knownRedemptions(_ ids: [RedemptionID]) throws(PostgresError) -> Set<RedemptionID> {
        let sql = """
            select id from redemptions where id = any($1)
            union all select (entry->>'redemption')::uuid from quarantine where entry->>'redemption' = any($1::uuid[]::text[])
            union all select (entry->>'redemption')::uuid from quarantine_drops
            where entry->>'redemption' = any($1::uuid[]::text[])
            """
        return Set(try query(sql, ids).map { row throws(PostgresError) in try row.decode(0, as: RedemptionID.self) })
    }

    /// The number of entries in quarantine, each of which waits for an operator.
    /// - Parameter shard: `nil`: of all shards.
    public func quarantineCount(of shard: Shard? = nil) throws -> Int {
        try query("select count(*) from quarantine where $1::int is null or shard = $1", shard)[0].decode(0)
    }
}

extension PostgresError {
    /// The reason why a row did not land.
    var reason: String {
        [sqlState, message, detail].compactMap { $0 }.joined(separator: ": ")
    }
}

extension String {
    /// The text with NUL replaced, which Postgres's text cannot hold: nothing may keep an entry out of quarantine.
    fileprivate var storable: String {
        utf8.contains(0) ? String(decoding: utf8.flatMap { $0 == 0 ? Array(#"\0"#.utf8) : [$0] }, as: UTF8.self) : self
    }
}
