public import Domain

extension PostgresConnection {
    /// A transaction that may append to the control log. Its writers take turns, so that the order of sequence numbers is the
    /// order of commits and a number that was rolled back is given again.
    func controlTransaction<T>(_ body: () throws -> T) throws -> T {
        try transaction {
            try takeLock(.control)
            return try body()
        }
    }

    /// Only within `controlTransaction`.
    @discardableResult
    func appendControl(_ change: ControlChange, actor: String) throws(PostgresError) -> ControlEntry {
        let sequence = try lastControlSequence() + 1
        let insert = "insert into control_log (seq, kind, actor, payload) values ($1, $2, $3, "
        switch change {
        case .couponCreated(let coupon):
            try execute(
                insert + """
                    jsonb_build_object('coupon', $4, 'name', $5, 'code', encode($6, 'hex'), 'price', $7, 'total', $8,
                                       'redeemed', $9, 'starts', $10, 'ends', $11, 'state', $12))
                    """,
                sequence,
                change.kind,
                actor,
                coupon.id,
                coupon.name,
                coupon.codeDigest,
                coupon.price,
                coupon.total,
                coupon.redeemed,
                coupon.startsAt.map { Int($0.milliseconds) },
                coupon.endsAt.map { Int($0.milliseconds) },
                coupon.state
            )
        case .couponState(let coupon, let state):
            let sql = insert + "jsonb_build_object('coupon', $4, 'state', $5))"
            try execute(sql, sequence, change.kind, actor, coupon, state)
        case .couponRestocked(let coupon, let amount):
            let sql = insert + "jsonb_build_object('coupon', $4, 'amount', $5))"
            try execute(sql, sequence, change.kind, actor, coupon, amount)
        case .creditGranted(let user, let amount):
            let sql = insert + "jsonb_build_object('user', $4, 'amount', $5))"
            try execute(sql, sequence, change.kind, actor, user, amount)
        case .userSessionsRevoked(let user, let version):
            let sql = insert + "jsonb_build_object('user', $4, 'below', $5))"
            try execute(sql, sequence, change.kind, actor, user, version)
        case .sessionsRevoked(let moment):
            let sql = insert + "jsonb_build_object('before', $4))"
            try execute(sql, sequence, change.kind, actor, Int(moment.milliseconds))
        case .redemptionDropped(let redemption):
            let sql = insert + "jsonb_build_object('redemption', $4, 'user', $5, 'coupon', $6, 'price', $7))"
            let (id, user, coupon) = (redemption.id, redemption.user, redemption.coupon)
            try execute(sql, sequence, change.kind, actor, id, user, coupon, redemption.price)
        case .shardRebuild(let shard):
            try execute(insert + "jsonb_build_object('shard', $4))", sequence, change.kind, actor, shard)
        }
        try notify(.control, String(sequence))
        return ControlEntry(sequence: sequence, change: change)
    }

    /// 0 where nothing has been done yet.
    public func lastControlSequence() throws(PostgresError) -> Int {
        try query("select coalesce(max(seq), 0) from control_log")[0].decode(0)
    }

    /// The last entry that created a coupon; 0 where none has.
    public func lastCouponSequence() throws(PostgresError) -> Int {
        try query("select coalesce(max(seq), 0) from control_log where kind = 'coupon_created'")[0].decode(0)
    }

    /// The next entries after `sequence`, in order. A coupon's entry says how often it was redeemed when it was created, which is
    /// more than never for an imported one; entries from before there was importing do not say.
    public func controlEntries(after sequence: Int, limit: Int) throws -> [ControlEntry] {
        let sql = """
            select seq, kind, payload->>'coupon', (payload->>'user')::uuid, (payload->>'amount')::bigint, payload->>'state',
                   payload->>'name', decode(payload->>'code', 'hex'), (payload->>'price')::bigint,
                   (payload->>'total')::bigint, (payload->>'starts')::bigint, (payload->>'ends')::bigint,
                   (payload->>'below')::bigint, (payload->>'before')::bigint, coalesce((payload->>'redeemed')::bigint, 0),
                   (payload->>'redemption')::uuid, (payload->>'shard')::int
            from control_log where seq > $1 order by seq limit $2
            """
        return try query(sql, sequence, limit).map { row throws(PostgresError) in
            ControlEntry(sequence: try row.decode(0), change: try PostgresConnection.controlChange(row))
        }
    }

    private static func controlChange(_ row: PostgresRow) throws(PostgresError) -> ControlChange {
        switch try row.decode(1, as: ControlChange.Kind.self) {
        case .couponState: .couponState(try row.decode(2), try row.decode(5))
        case .couponRestocked: .couponRestocked(try row.decode(2), amount: try row.decode(4))
        case .creditGranted: .creditGranted(try row.decode(3), amount: try row.decode(4))
        case .userSessionsRevoked: .userSessionsRevoked(try row.decode(3), below: try row.decode(12))
        case .sessionsRevoked: .sessionsRevoked(before: Timestamp(milliseconds: Int64(try row.decode(13, as: Int.self))))
        case .redemptionDropped:
            .redemptionDropped(
                Redemption(
                    id: try row.decode(15),
                    user: try row.decode(3),
                    coupon: try row.decode(2),
                    price: try row.decode(8)
                )
            )
        case .shardRebuild: .shardRebuild(try row.decode(16))
        case .couponCreated:
            .couponCreated(
                Coupon(
                    id: try row.decode(2),
                    name: try row.decode(6),
                    codeDigest: try row.decode(7),
                    price: try row.decode(8),
                    total: try row.decode(9),
                    redeemed: try row.decode(14),
                    startsAt: try row.decode(10, as: Int?.self).map { Timestamp(milliseconds: Int64($0)) },
                    endsAt: try row.decode(11, as: Int?.self).map { Timestamp(milliseconds: Int64($0)) },
                    state: try row.decode(5)
                )
            )
        }
    }

    /// Delivered to the listeners when the transaction commits.
    func notify(_ channel: PostgresChannel, _ payload: String) throws(PostgresError) {
        try query("select pg_notify($1, $2)", channel.rawValue, payload)
    }
}
