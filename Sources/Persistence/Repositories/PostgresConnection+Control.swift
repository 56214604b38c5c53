import Domain
public import PostgresClient

extension PostgresConnection {
    /// Runs a transaction that may append to the control log. Writers take turns, so that the order of sequence numbers is the
    /// order of commits and a number that was rolled back is given again.
    func controlTransaction<T>(_ body: () throws -> T) throws -> T {
        try transaction {
            try takeLock(.control)
            return try body()
        }
    }

    /// Appends an entry. Call it within `controlTransaction`. The entries that servers append are written by a function of the schema,
    /// since servers have no right to write the table.
    @discardableResult
    func appendControl(_ change: ControlChange, actor: String) throws(PostgresError) -> ControlEntry {
        var sequence = try lastControlSequence() + 1
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
            let none: Int? = nil
            sequence = try query("select end_sessions($1, $2, $3, $4)", user, version, none, actor)[0].decode(0)
        case .sessionsRevoked(let moment):
            let (nobody, none): (UserID?, Int?) = (nil, nil)
            let sql = "select end_sessions($1, $2, $3, $4)"
            sequence = try query(sql, nobody, none, Int(moment.milliseconds), actor)[0].decode(0)
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

    /// The number of the last entry; 0 in an empty log.
    public func lastControlSequence() throws(PostgresError) -> Int {
        try query("select coalesce(max(seq), 0) from control_log")[0].decode(0)
    }

    /// The number of the last entry that created a coupon; 0 before the first coupon.
    public func lastCouponSequence() throws(PostgresError) -> Int {
        try query("select coalesce(max(seq), 0) from control_log where kind = 'coupon_created'")[0].decode(0)
    }

    /// The moment at which the entry of this number was written (µs); `nil` if the log has no such entry.
    public func controlMark(of sequence: Int) throws(PostgresError) -> Int? {
        let sql = "select \(PostgresConnection.controlMark) from control_log where seq = $1"
        return try query(sql, sequence).first?.decode(0)
    }

    /// The SQL of an entry's mark. It is from 0 to 2^53 - 1 in every row, so that no row fails the statement, and scripts accept it. A row
    /// that somebody edited may have infinity, or a moment before 1970.
    static let controlMark =
        "least(greatest(extract(epoch from created_at) * 1000000, 0), \(Limits.amount))::bigint"

    /// Notifies the listeners when the transaction commits.
    func notify(_ channel: PostgresChannel, _ payload: String) throws(PostgresError) {
        try query("select pg_notify($1, $2)", channel.rawValue, payload)
    }
}
