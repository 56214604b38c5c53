public import Domain
public import PostgresClient

extension ImportStage {
    private struct Uses {
        /// Uses that this run adds.
        var new = 0
        /// Uses that are not imported, since their users may be loaded in Redis.
        var late = 0
        /// Users who used it more than once, and their uses beyond the first.
        var repeaters = 0
        var repeated = 0
    }

    /// Writes new coupons, and counts further uses of those that are here, in the order of their ids, as landing locks them.
    func writeCoupons(
        _ coupons: [StagedCoupon],
        _ codeKey: String?,
        _ isOpened: Bool,
        into report: inout ImportReport
    ) throws {
        let uses = try usesByCoupon()
        for coupon in coupons {
            let uses = uses[coupon.id] ?? Uses()
            if coupon.left < 0 {
                report.note(
                    .couponOversold,
                    "\(coupon.label), \(coupon.id) here: number_left is \(coupon.left); nothing is left of it"
                )
            }
            if uses.repeated > 0 {
                report.note(
                    .usesRepeated,
                    count: uses.repeated,
                    "\(coupon.label), \(coupon.id) here: \(uses.repeated) uses by \(uses.repeaters) users who had used it before"
                )
            }
        }
        let here = coupons.filter { $0.isHere && (uses[$0.id]?.new ?? 0) > 0 }
        let new = coupons.filter { !$0.isHere }
        // The lock is taken this late because everybody else who changes something waits from here on. It is taken before the rows of the
        // key and of coupons, as in every other change.
        if !here.isEmpty || !new.isEmpty {
            try connection.takeLock(.control)
            if let codeKey { try connection.claimKey(.code, ids: [codeKey], actor: actor) }
        }
        try count(uses, of: here, isOpened: isOpened)
        for coupon in new {
            let uses = uses[coupon.id] ?? Uses()
            // Users whose uses are not imported could use the coupon again, so it is paused until an operator decides.
            if uses.late > 0 {
                report.note(
                    .couponHeldBack,
                    "\(coupon.label), \(coupon.id) here: \(uses.late) users who came earlier used it there, and could again"
                )
            }
            try create(coupon, redeemed: uses.new, state: uses.late > 0 ? .paused : coupon.state)
            try keep(coupon)
        }
        try noteChanges(
            of: coupons.filter(\.isHere),
            following: isOpened ? [] : Set(here.map(\.id)),
            into: &report
        )
        report.coupons.imported += new.count
        report.coupons.alreadyHere += coupons.count - new.count
    }

    private func usesByCoupon() throws -> [CouponID: Uses] {
        let sql = """
            select coupon_id, count(*) filter (where verdict = 'new'), count(*) filter (where verdict = 'late'),
                   count(*) filter (where times > 1), sum(times - 1)::bigint
            from judged_uses where verdict in ('new', 'here', 'late') group by coupon_id
            """
        let rows = try connection.query(sql).map { row throws(PostgresError) in
            let uses = Uses(
                new: try row.decode(1),
                late: try row.decode(2),
                repeaters: try row.decode(3),
                repeated: try row.decode(4)
            )
            return (try row.decode(0, as: CouponID.self), uses)
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    private func create(_ staged: StagedCoupon, redeemed: Int, state: Coupon.State) throws {
        let coupon = Coupon(
            id: staged.id,
            name: staged.name,
            codeDigest: staged.codeDigest,
            price: staged.price,
            // Cut off at the limit; nobody will ever see the difference.
            total: min(redeemed + max(staged.left, 0), Limits.amount),
            redeemed: redeemed,
            endsAt: staged.endsAt,
            state: state
        )
        try connection.insert(coupon)
        try connection.appendControl(.couponCreated(coupon), actor: actor)
    }

    /// Counts further uses of coupons that are here. Once a shard was opened, Redis keeps the stock that is left, so it stays as it is.
    /// Before that, it becomes the stock left there and the amounts that operators have added here.
    private func count(_ uses: [CouponID: Uses], of coupons: [StagedCoupon], isOpened: Bool) throws {
        let restocks = isOpened ? [:] : try connection.couponChanges(after: 0).restocked
        let sql = """
            update coupons set redeemed = redeemed + $2, version = version + 1,
                   total = least(redeemed + $2 + coalesce($3, total - redeemed), \(Limits.amount))
            where id = $1
            """
        for coupon in coupons {
            let left = isOpened ? nil : max(coupon.left, 0) + (restocks[coupon.id] ?? 0)
            try connection.execute(sql, coupon.id, uses[coupon.id]?.new ?? 0, left)
        }
    }
}

extension PostgresConnection {
    /// The coupons that an actor has created, as the control log tells.
    public func couponsCreated(by actor: String) throws -> Set<CouponID> {
        let sql = "select payload->>'coupon' from control_log where kind = $1 and actor = $2"
        return Set(
            try query(sql, ControlChange.Kind.couponCreated, actor).map { row throws(PostgresError) in
                try row.decode(0, as: CouponID.self)
            }
        )
    }
}
