public import Domain
public import PostgresClient

/// The decisions of operators about entries in quarantine.
extension PostgresConnection {
    private static let quarantineColumns = """
        quarantine.id, shard, epoch, stream_id, reason, quarantine.created_at,
        (entry->>'redemption')::uuid, (entry->>'user')::uuid, entry->>'coupon', (entry->>'price')::bigint, entry::text
        """

    private static func quarantined(_ row: PostgresRow, username: String? = nil) throws(PostgresError) -> QuarantinedEntry {
        let content: QuarantinedEntry.Content
        // The price is missing if the coupon is not known any more.
        if let id = try row.decode(6, as: RedemptionID?.self), let price = try row.decode(9, as: Int?.self) {
            let redemption = Redemption(
                id: id,
                user: try row.decode(7),
                coupon: try row.decode(8),
                price: price
            )
            content = .redemption(redemption)
        } else {
            content = .unreadable(try row.decode(10))
        }
        return QuarantinedEntry(
            id: try row.decode(0),
            shard: try row.decode(1),
            epoch: try row.decode(2),
            streamID: try row.decode(3),
            content: content,
            username: username,
            reason: try row.decode(4),
            since: try row.decode(5)
        )
    }

    /// A page of entries, the oldest first.
    public func quarantined(_ filter: QuarantineFilter, after id: Int, limit: Int) throws -> [QuarantinedEntry] {
        let sql = """
            select \(PostgresConnection.quarantineColumns), users.username
            from quarantine left join users on users.id = (entry->>'user')::uuid
            where quarantine.id > $1 and ($2::int is null or shard = $2)
              and ($3::text is null or position(lower($3) in lower(reason)) > 0)
            order by quarantine.id limit $4
            """
        return try query(sql, id, filter.shard, filter.reason, limit).map { row throws(PostgresError) in
            try PostgresConnection.quarantined(row, username: try row.decode(11))
        }
    }

    /// The redemption, if there is one, and the reason of everything in quarantine.
    public func allQuarantined() throws -> [(id: RedemptionID?, reason: String)] {
        try query("select (entry->>'redemption')::uuid, reason from quarantine").map { (try $0.decode(0), try $0.decode(1)) }
    }

    /// Tries to land one entry after all, in one transaction: writes the row, adds it to its coupon's count, and takes the entry out of
    /// quarantine.
    ///
    /// It lands only within the epoch that decided it, as long as Redis holds its credit and stock. A rebuild gives these out again, so an
    /// entry that landed later could leave no room for a redemption that was accepted since. The cursor's row is locked, so that no
    /// epoch begins in between.
    public func retryQuarantined(_ id: Int) throws -> QuarantineRetry {
        do {
            return try transaction {
                guard let entry = try lockQuarantined([id]).first else { return .notFound }
                guard case .redemption(let redemption) = entry.content else {
                    return .refused("it cannot be read as a redemption; drop it, with a reason")
                }
                let epoch = try lockEpoch(of: entry.shard)
                guard epoch == entry.epoch else { return .refused(refusal(of: entry, now: epoch)) }
                let place = Cursor(epoch: entry.epoch, lastID: entry.streamID)
                let batch = LandingBatch(shard: entry.shard, cursor: place, entries: [], last: entry.streamID)
                try insert([LandingRow(redemption: redemption, entry: entry.streamID)], batch)
                try execute("delete from quarantine where id = $1", id)
                return .landed(redemption.id)
            }
        } catch let error as PostgresError where error.isCausedByData {
            return .refused(error.reason)
        }
    }

    /// The reason why an entry of another epoch does not land, and what can be done.
    private func refusal(of entry: QuarantinedEntry, now epoch: Epoch?) -> String {
        let place = "it is of epoch \(entry.epoch) and the shard is \(epoch.map { "of epoch \($0) now" } ?? "never opened")"
        if let epoch, entry.epoch < epoch {
            return "\(place): its credit and stock were given out again; drop it, and the user can redeem again"
        }
        // Redis may hold credit and stock for it or not, since an entry that was written by hand may have any epoch.
        return """
            \(place): this Postgres is older than what accepted it, or somebody wrote it into Redis by hand. Nobody else has got its \
            credit and stock, until `redeem sync` rebuilds the shard. If there is a backup that knows epoch \(entry.epoch), put that \
            back before, and it can land; else keep it until the shard is rebuilt, then drop it, and the user can redeem again
            """
    }

    /// Drops entries, all of them or none: they never land. They go to `quarantine_drops`, with who dropped them and why, and the control
    /// log gives back what Redis holds for them.
    ///
    /// Throws `QuarantineError.notFound`; then nothing was dropped.
    public func dropQuarantined(_ ids: [Int], reason: String, actor: String) throws -> [Int: QuarantineDrop] {
        try controlTransaction {
            let entries = try lockQuarantined(ids)
            let unknown = Set(ids).subtracting(entries.map(\.id))
            guard unknown.isEmpty else { throw QuarantineError.notFound(unknown.sorted()) }
            var drops: [Int: QuarantineDrop] = [:]
            for entry in entries {
                let drop = try giveBack(entry, actor: actor)
                let control: Int? = if case .givenBack(let control) = drop { control } else { nil }
                let sql = """
                    insert into quarantine_drops (id, shard, epoch, stream_id, entry, reason, created_at, dropped_by, drop_reason,
                                                  control_seq)
                    select id, shard, epoch, stream_id, entry, reason, created_at, $2, $3, $4 from quarantine where id = $1
                    """
                try execute(sql, entry.id, actor, reason, control)
                try execute("delete from quarantine where id = $1", entry.id)
                drops[entry.id] = drop
            }
            return drops
        }
    }

    private func giveBack(_ entry: QuarantinedEntry, actor: String) throws -> QuarantineDrop {
        guard case .redemption(let redemption) = entry.content, (0...Limits.amount).contains(redemption.price),
            try lockEpoch(of: entry.shard) == entry.epoch
        else { return .nothingHeld }
        let sql = "select exists (select from redemptions where id = $1 or user_id = $2 and coupon_id = $3)"
        let isAmbiguous: Bool = try query(sql, redemption.id, redemption.user, redemption.coupon)[0].decode(0)
        if isAmbiguous { return .rebuildNeeded }
        return .givenBack(control: try appendControl(.redemptionDropped(redemption), actor: actor).sequence)
    }

    private func lockQuarantined(_ ids: [Int]) throws -> [QuarantinedEntry] {
        let sql = "select \(PostgresConnection.quarantineColumns) from quarantine where id = any($1) order by id for update"
        return try query(sql, ids).map { row throws(PostgresError) in try PostgresConnection.quarantined(row) }
    }

    /// The shard's epoch, locked so that no other begins until the transaction ends. `nil`: the shard has never been opened.
    private func lockEpoch(of shard: Shard) throws -> Epoch? {
        try query("select epoch from outbox_cursor where shard = $1 for share", shard).first?.decode(0)
    }

    /// The fates of those redemptions that are in quarantine or were dropped from it.
    public func fates(of ids: [RedemptionID]) throws -> [RedemptionID: RedemptionFate] {
        let sql = """
            select (entry->>'redemption')::uuid, coalesce((entry->>'price')::bigint, 0), control_seq, true
            from quarantine_drops where entry->>'redemption' = any($1::uuid[]::text[])
            union all
            select (entry->>'redemption')::uuid, coalesce((entry->>'price')::bigint, 0), null::bigint, false
            from quarantine where entry->>'redemption' = any($1::uuid[]::text[])
            """
        var fates: [RedemptionID: RedemptionFate] = [:]
        for row in try query(sql, ids) {
            let (price, isDropped) = (try row.decode(1, as: Int.self), try row.decode(3, as: Bool.self))
            fates[try row.decode(0)] =
                isDropped ? .dropped(price: price, control: try row.decode(2)) : .quarantined(price: price)
        }
        return fates
    }
}
