public import Domain
public import PostgresClient

/// One coupon's figures in the ledger.
public struct CouponLedger: Hashable, Sendable {
    public let coupon: CouponID
    public let total: Int
    /// The count that landing adds to.
    public let redeemed: Int
    /// Rows of `redemptions`; `nil`: not counted.
    public let redemptions: Int?
    /// Rows that are newer than the snapshot of Redis they are compared with.
    public let newer: Int
}

/// A snapshot of all coupons in the ledger, with the cursor and the last control entry of the same moment.
public struct LedgerSnapshot: Hashable, Sendable {
    public let cursor: Cursor?
    /// The last control sequence number.
    public let control: Int
    public let coupons: [CouponLedger]
    /// Redemptions of the cursor's epoch that are in quarantine: Redis holds their credit and stock.
    public let quarantined: [CouponID: Int]
}

/// The changes to coupons in the control log that a Redis has yet to apply.
public struct CouponChanges: Hashable, Sendable {
    /// The amounts added to totals.
    public internal(set) var restocked: [CouponID: Int] = [:]
    public internal(set) var created: Set<CouponID> = []
    /// Coupons that were paused or resumed.
    public internal(set) var restated: Set<CouponID> = []
    /// The numbers of uses to give back, of redemptions that were dropped from quarantine.
    public internal(set) var dropped: [CouponID: Int] = [:]
}

/// The reads of `reconcile`. Within one `transaction(.snapshotReadOnly)` all of them see the same moment.
extension PostgresConnection {
    /// - Parameters:
    ///   - position: the last entry that a snapshot of Redis has seen; rows of its epoch with a higher stream id are newer.
    ///   - countsRows: counts the rows of each coupon. That reads the whole table.
    public func ledger(of shard: Shard, newerThan position: Cursor, countsRows: Bool) throws -> LedgerSnapshot {
        try snapshot {
            let cursor = try self.cursor(of: shard)
            // Rows land with the cursor that passes them. Before the first entry of an epoch the primary key would find every row.
            let hasNewer = cursor.map { $0.epoch != position.epoch || $0.lastID > position.lastID } ?? false
            return LedgerSnapshot(
                cursor: cursor,
                control: try lastControlSequence(),
                coupons: try couponLedgers(
                    hasNewer ? try newerRedemptions(shard, than: position) : [:],
                    countsRows ? try redemptionsByCoupon() : nil
                ),
                quarantined: try cursor.map { try quarantined(of: shard, epoch: $0.epoch) } ?? [:]
            )
        }
    }

    private func couponLedgers(_ newer: [CouponID: Int], _ rows: [CouponID: Int]?) throws -> [CouponLedger] {
        try query("select id, total, redeemed from coupons order by id").map { row in
            let coupon: CouponID = try row.decode(0)
            return CouponLedger(
                coupon: coupon,
                total: try row.decode(1),
                redeemed: try row.decode(2),
                redemptions: rows.map { $0[coupon] ?? 0 },
                newer: newer[coupon] ?? 0
            )
        }
    }

    /// A redemption's id begins with the time of its stream id, so the primary key finds the few that can be newer. Stream ids compare as
    /// two numbers, not as text.
    private func newerRedemptions(_ shard: Shard, than position: Cursor) throws -> [CouponID: Int] {
        let sql = """
            select coupon_id, count(*) from redemptions
            where id >= $1 and shard = $2 and epoch = $3 and coupon_id in (select id from coupons)
              and (split_part(stream_id, '-', 1)::numeric, split_part(stream_id, '-', 2)::numeric)
                  > (split_part($4, '-', 1)::numeric, split_part($4, '-', 2)::numeric)
            group by coupon_id
            """
        let rows = try query(sql, position.lastID.firstRedemption, shard, position.epoch, position.lastID)
        return Dictionary(uniqueKeysWithValues: try rows.map { (try $0.decode(0), try $0.decode(1)) })
    }

    private func quarantined(of shard: Shard, epoch: Epoch) throws -> [CouponID: Int] {
        let sql = """
            select entry->>'coupon', count(*) from quarantine
            where shard = $1 and epoch = $2 and entry ? 'coupon' group by 1
            """
        return Dictionary(
            uniqueKeysWithValues: try query(sql, shard, epoch).map { row throws(PostgresError) -> (CouponID, Int) in
                (try row.decode(0), try row.decode(1))
            }
        )
    }

    /// The changes to coupons that a Redis has yet to apply if `sequence` is its last control entry.
    public func couponChanges(after sequence: Int) throws -> CouponChanges {
        var changes = CouponChanges()
        let sql = """
            select kind, payload->>'coupon', payload->>'amount' from control_log
            where seq > $1 and payload ? 'coupon' order by seq
            """
        for row in try query(sql, sequence) {
            // An entry that cannot be read changes no coupon.
            guard let kind = ControlChange.Kind(rawValue: try row.decode(0)),
                let coupon = try row.decode(1, as: String?.self).flatMap({ CouponID($0) })
            else { continue }
            switch kind {
            case .couponRestocked:
                changes.restocked[coupon, default: 0] += try row.decode(2, as: String?.self).flatMap { Int($0) } ?? 0
            case .couponCreated: changes.created.insert(coupon)
            case .redemptionDropped: changes.dropped[coupon, default: 0] += 1
            case .couponState: changes.restated.insert(coupon)
            case .creditGranted, .userSessionsRevoked, .sessionsRevoked, .shardRebuild: break
            }
        }
        return changes
    }

    /// Sets a coupon's count of redemptions to that of its rows, and returns what it was and what it is. `nil`: there is no such
    /// coupon. Landing adds to the count under the lock on the coupon that this takes, so the rows seen after it are exactly
    /// those that were counted.
    ///
    /// Throws a check violation of `PostgresConstraint.couponRedeemed` where there are more rows than the total.
    public func recountRedeemed(_ coupon: CouponID) throws -> (counted: Int, rows: Int)? {
        try transaction {
            let lock = "select redeemed from coupons where id = $1 for no key update"
            guard let counted = try query(lock, coupon).first.map({ try $0.decode(0, as: Int.self) }) else { return nil }
            let rows = try query("select count(*) from redemptions where coupon_id = $1", coupon)[0].decode(0, as: Int.self)
            try execute("update coupons set redeemed = $2 where id = $1", coupon, rows)
            return (counted, rows)
        }
    }

    /// Asks the shard's owner to rebuild it, by an entry of the control log. Returns the entry's number: a shard that has it was rebuilt
    /// after the call.
    public func askForRebuild(of shard: Shard, actor: String) throws -> Int {
        try controlTransaction { try appendControl(.shardRebuild(shard), actor: actor).sequence }
    }

    /// The users among these that are not in Postgres.
    public func strangers(among users: [UserID]) throws -> [UserID] {
        let sql = "select id from unnest($1::uuid[]) as given (id) where not exists (select from users where users.id = given.id)"
        return try query(sql, users).map { row throws(PostgresError) in try row.decode(0) }
    }
}

extension StreamID {
    /// No redemption of this entry or of a later one has a lower id: ids begin with 48 bits of their entry's time.
    fileprivate var firstRedemption: UUIDv7 {
        UUIDv7(milliseconds: min(milliseconds, 1 << 48 - 1), tail: UUIDv7.Tail(high: 0, low: 0))
    }
}
