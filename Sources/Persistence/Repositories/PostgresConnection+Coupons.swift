public import Domain
public import PostgresClient

extension PostgresConnection {
    static let couponColumns = "id, name, code_digest, price, total, redeemed, starts_at, ends_at, state, version"

    static func coupon(_ row: PostgresRow) throws(PostgresError) -> Coupon {
        Coupon(
            id: try row.decode(0),
            name: try row.decode(1),
            codeDigest: try row.decode(2),
            price: try row.decode(3),
            total: try row.decode(4),
            redeemed: try row.decode(5),
            startsAt: try row.decode(6),
            endsAt: try row.decode(7),
            state: try row.decode(8),
            version: try row.decode(9)
        )
    }

    public func coupon(_ id: CouponID) throws -> Coupon? {
        let sql = "select \(PostgresConnection.couponColumns) from coupons where id = $1"
        return try query(sql, id).first.map(PostgresConnection.coupon)
    }

    public func coupon(codeDigest: CodeDigest) throws -> Coupon? {
        let sql = "select \(PostgresConnection.couponColumns) from coupons where code_digest = $1"
        return try query(sql, codeDigest).first.map(PostgresConnection.coupon)
    }

    /// The coupon of each code, for the first `limit` coupons in the order of their ids.
    public func couponCodes(limit: Int) throws -> [CodeDigest: CouponID] {
        let rows = try query("select code_digest, id from coupons order by id limit $1", limit)
        return Dictionary(
            uniqueKeysWithValues: try rows.map { row throws(PostgresError) -> (CodeDigest, CouponID) in
                (try row.decode(0), try row.decode(1))
            }
        )
    }

    /// A page of coupons in the order of their ids.
    public func coupons(after id: CouponID?, limit: Int) throws -> [Coupon] {
        let sql = "select \(PostgresConnection.couponColumns) from coupons where id > $1 order by id limit $2"
        return try query(sql, id?.description ?? "", limit).map(PostgresConnection.coupon)
    }

    public func allCoupons() throws -> [Coupon] {
        let sql = "select \(PostgresConnection.couponColumns) from coupons order by id"
        return try query(sql).map(PostgresConnection.coupon)
    }

    /// All coupons, the last control sequence number that they contain, and when that entry was written, in one snapshot.
    public func couponsSnapshot() throws -> (coupons: [Coupon], control: Int, mark: Int) {
        try snapshot {
            let control = try lastControlSequence()
            return (try allCoupons(), control, try controlMark(of: control) ?? 0)
        }
    }

    // MARK: Changes by an operator

    /// Creates a coupon. It has version 1 and no redemptions, whatever `coupon` says.
    ///
    /// Throws a unique violation of `PostgresConstraint.couponID` or `.couponCode`, check violations of the coupon's ranges, and
    /// `WrongServiceKey`.
    /// - Parameter codeKey: the id of the key that its code was digested with; `nil`: it is not compared with the recorded one.
    public func createCoupon(_ coupon: Coupon, codeKey: String?, actor: String) throws -> Coupon {
        let created = Coupon(
            id: coupon.id,
            name: coupon.name,
            codeDigest: coupon.codeDigest,
            price: coupon.price,
            total: coupon.total,
            startsAt: coupon.startsAt,
            endsAt: coupon.endsAt,
            state: coupon.state
        )
        try controlTransaction {
            if let codeKey { try claimKey(.code, ids: [codeKey], actor: actor) }
            try insert(created)
            try appendControl(.couponCreated(created), actor: actor)
        }
        return created
    }

    func insert(_ coupon: Coupon) throws(PostgresError) {
        let sql = """
            insert into coupons (id, name, code_digest, price, total, redeemed, starts_at, ends_at, state)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """
        try execute(
            sql,
            coupon.id,
            coupon.name,
            coupon.codeDigest,
            coupon.price,
            coupon.total,
            coupon.redeemed,
            coupon.startsAt,
            coupon.endsAt,
            coupon.state
        )
    }

    /// Pauses or resumes a coupon; nothing is written if it is in that state already. `nil`: there is no such coupon.
    public func setCouponState(_ id: CouponID, _ state: Coupon.State, actor: String) throws -> Coupon? {
        try controlTransaction {
            let sql = "update coupons set state = $2, version = version + 1 where id = $1 and state <> $2"
            if try execute(sql, id, state) == 1 { try appendControl(.couponState(id, state), actor: actor) }
            return try coupon(id)
        }
    }

    /// Adds `amount` (at least 1) to the total. `nil`: there is no such coupon.
    ///
    /// Throws a check violation of `PostgresConstraint.restockAmount`, or of `.couponTotal` where the total would pass 2^53 − 1.
    public func restockCoupon(_ id: CouponID, by amount: Int, actor: String) throws -> Coupon? {
        guard (1...Limits.amount).contains(amount) else {
            throw PostgresError.outOfRange("\(amount) is not between 1 and \(Limits.amount)", PostgresConstraint.restockAmount)
        }
        return try controlTransaction {
            let sql = "update coupons set total = total + $2, version = version + 1 where id = $1"
            guard try execute(sql, id, amount) == 1 else { return nil }
            try appendControl(.couponRestocked(id, amount: amount), actor: actor)
            return try coupon(id)
        }
    }
}
