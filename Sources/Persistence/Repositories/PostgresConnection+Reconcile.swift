public import Domain

/// What Postgres knows of one coupon, counted twice where it can be.
public struct CouponLedger: Hashable, Sendable {
    public let coupon: CouponID
    public let total: Int
    /// The column that landing adds to.
    public let redeemed: Int
    /// Rows of `redemptions`.
    public let redemptions: Int
    /// Those of them that are newer than the snapshot of Redis asked for.
    public let newer: Int
}

/// One snapshot of all coupons, with the points in both logs that it stands for.
public struct LedgerSnapshot: Hashable, Sendable {
    public let cursor: Cursor?
    /// The last control sequence number.
    public let control: Int
    public let coupons: [CouponLedger]
}

/// The reads of `reconcile`. Within one `transaction(.snapshotReadOnly)` all of them see the same moment.
extension PostgresConnection {
    /// - Parameter position: what a snapshot of Redis has seen; rows of its epoch with a higher stream id count as newer.
    public func ledger(of shard: Shard, newerThan position: Cursor) throws -> LedgerSnapshot {
        try snapshot {
            LedgerSnapshot(
                cursor: try cursor(of: shard),
                control: try lastControlSequence(),
                coupons: try couponLedgers(shard, newerThan: position)
            )
        }
    }

    private func couponLedgers(_ shard: Shard, newerThan position: Cursor) throws(PostgresError) -> [CouponLedger] {
        // Stream ids compare as two numbers, not as text; the comparison of times in front spares most of that.
        let sql = """
            select coupons.id, total, redeemed, coalesce(counted.rows, 0), coalesce(counted.newer, 0)
            from coupons left join (
                select coupon_id, count(*) as rows, count(*) filter (
                    where shard = $1 and epoch = $2 and redeemed_at >= $3
                      and (split_part(stream_id, '-', 1)::numeric, split_part(stream_id, '-', 2)::numeric)
                          > (split_part($4, '-', 1)::numeric, split_part($4, '-', 2)::numeric)
                ) as newer
                from redemptions group by coupon_id
            ) counted on counted.coupon_id = coupons.id
            order by coupons.id
            """
        return try query(sql, shard, position.epoch, position.lastID.redeemedAt, position.lastID).map {
            row throws(PostgresError) in
            CouponLedger(
                coupon: try row.decode(0),
                total: try row.decode(1),
                redeemed: try row.decode(2),
                redemptions: try row.decode(3),
                newer: try row.decode(4)
            )
        }
    }

    /// Users with two redemptions of one coupon. The schema does not allow any.
    public func repeatedRedemptions(limit: Int) throws -> [(user: UserID, coupon: CouponID, count: Int)] {
        let sql = """
            select user_id, coupon_id, count(*) from redemptions
            group by user_id, coupon_id having count(*) > 1 order by user_id, coupon_id limit $1
            """
        return try query(sql, limit).map { row throws(PostgresError) in
            (try row.decode(0), try row.decode(1), try row.decode(2))
        }
    }

    /// Redemptions whose user or coupon does not exist. There are no foreign keys; landing checks.
    public func danglingRedemptions() throws -> Int {
        let sql = """
            select count(*) from redemptions
            where not exists (select from users where users.id = user_id)
               or not exists (select from coupons where coupons.id = coupon_id)
            """
        return try query(sql)[0].decode(0)
    }

    /// Restocks that a Redis at this control sequence number has not applied, by coupon.
    public func restocks(after sequence: Int) throws -> [CouponID: Int] {
        let sql = """
            select payload->>'coupon', sum((payload->>'amount')::bigint)::bigint
            from control_log where seq > $1 and kind = $2 group by 1
            """
        let sums = try query(sql, sequence, ControlChange.Kind.couponRestocked).map { row throws(PostgresError) in
            (try row.decode(0, as: CouponID.self), try row.decode(1, as: Int.self))
        }
        return Dictionary(uniqueKeysWithValues: sums)
    }

    /// Coupons that a Redis at this control sequence number does not know.
    public func couponsCreated(after sequence: Int) throws -> Set<CouponID> {
        let sql = "select payload->>'coupon' from control_log where seq > $1 and kind = $2"
        return Set(
            try query(sql, sequence, ControlChange.Kind.couponCreated).map { row throws(PostgresError) in
                try row.decode(0, as: CouponID.self)
            }
        )
    }
}

extension StreamID {
    /// `redeemed_at` of the entry's redemptions: their ids hold 48 bits of the time.
    fileprivate var redeemedAt: Timestamp { Timestamp(milliseconds: Int64(min(milliseconds, 1 << 48 - 1))) }
}
