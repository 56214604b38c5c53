import Domain
import PostgresClient

// Imported data may change here: credit is granted and spent, passwords are hashed again. So a later run does not compare the other
// service's data with the data here, but with what earlier runs found there and kept in `imported_users` and `imported_coupons`.
extension ImportStage {
    /// A digest of the password's hash. The hash itself may be a weak one, which the user's next login here replaces.
    private static let passwordDigest =
        "case when judged.password_hash <> '\(StagedUser.Account.noPassword)' then sha256(convert_to(judged.password_hash, 'UTF8')) end"
    private static let hasNewUses =
        "exists (select from judged_uses where judged_uses.user_id = judged.id and judged_uses.verdict = 'new')"

    /// Notes what has changed there in users. Call it when users, uses and credit are written.
    func noteChangesOfUsers(into report: inout ImportReport) throws {
        let keep = """
            insert into imported_users (id, source, name, password_digest, credit)
            select id, source, name, \(ImportStage.passwordDigest), credit from judged_users judged where verdict = $1
            on conflict do nothing
            """
        try connection.execute(keep, "new")
        let unknown = try connection.execute(keep, "here")
        if unknown > 0 {
            report.note(.notComparable, count: unknown, "\(unknown) users; later runs compare with what they are there now")
        }
        // Users who got further uses have got the credit that they have there.
        let follow = """
            update imported_users taken set credit = judged.credit from judged_users judged, balances
            where judged.id = taken.id and judged.verdict = 'here' and balances.user_id = judged.id
              and balances.balance = judged.credit and \(ImportStage.hasNewUses)
            """
        try connection.execute(follow)
        try noteChanged(.creditChanged, "credit", "credit", &report, "and not \(ImportStage.hasNewUses)")
        try noteChanged(.userNameChanged, "name", "name", &report)
        try noteChanged(.passwordChanged, "password", nil, &report)
        try note(
            .userGone,
            "taken.source, users.username",
            from: "imported_users taken join users on users.id = taken.id left join staged_users on staged_users.id = taken.id "
                + "where staged_users.id is null",
            by: "taken.source",
            in: &report
        ) { row throws(PostgresError) in "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))'" }
    }

    /// - Parameter column: the column whose values the report tells; `nil`: the password, which it does not tell.
    private func noteChanged(
        _ kind: ImportReport.Kind,
        _ name: String,
        _ column: String?,
        _ report: inout ImportReport,
        _ condition: String = ""
    ) throws {
        let (was, now) = column.map { ("taken.\($0)", "judged.\($0)") } ?? ("taken.password_digest", ImportStage.passwordDigest)
        let rows = """
            judged_users judged join imported_users taken on taken.id = judged.id
            where judged.verdict = 'here' and \(was) is distinct from \(now) \(condition)
            """
        let values = column == nil ? "null, null" : "\(was)::text, \(now)::text"
        try note(kind, "judged.source, username, \(values)", from: rows, by: "position", in: &report) {
            row throws(PostgresError) in
            let user = "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))'"
            guard let was = try row.decode(2, as: String?.self), let now = try row.decode(3, as: String?.self) else {
                return user
            }
            return "\(user): the \(name) was \(was) when it was taken over, and is \(now) there now"
        }
    }

    /// Notes imported uses that are not there any more.
    /// - Parameter coupons: the coupons that are there. Other coupons are noted themselves, and not their uses.
    func noteUsesGone(of coupons: [CouponID], into report: inout ImportReport) throws {
        let rows = """
            redemptions join users on users.id = redemptions.user_id left join counted_uses counted on counted.id = redemptions.id
            where redemptions.epoch = $1 and counted.id is null and redemptions.coupon_id = any($2)
            """
        try note(
            .useGone,
            "users.username, redemptions.coupon_id",
            from: rows,
            [ImportStage.epoch, coupons],
            by: "1, 2",
            in: &report
        ) { row throws(PostgresError) in
            "user '\(try row.decode(0, as: String.self))', coupon \(try row.decode(1, as: String.self))"
        }
    }

    /// Notes what has changed there in coupons.
    /// - Parameters:
    ///   - coupons: those that earlier runs imported.
    ///   - following: those whose stock this run has set to the stock there.
    func noteChanges(of coupons: [StagedCoupon], following: Set<CouponID>, into report: inout ImportReport) throws {
        let taken = try connection.importedCoupons()
        for coupon in coupons {
            guard let was = taken[coupon.id] else {
                report.note(.notComparable, "\(coupon.label), \(coupon.id) here; later runs compare with what it is there now")
                try keep(coupon)
                continue
            }
            func note<Value: Equatable>(
                _ kind: ImportReport.Kind,
                _ name: String,
                _ was: Value,
                _ now: Value,
                _ text: (Value) -> String
            ) {
                guard was != now else { return }
                report.note(
                    kind,
                    "\(coupon.label), \(coupon.id) here: \(name) was \(text(was)) when it was taken over, and is \(text(now)) there now"
                )
            }
            note(.couponNameChanged, "the name", was.name, coupon.name) { "'\($0)'" }
            note(.priceChanged, "value", was.price, coupon.price) { "\($0)" }
            note(.stateChanged, "active", was.state, coupon.state) { $0 == .active ? "true" : "false" }
            note(.expirationChanged, "expiration_date", was.endsAt, coupon.endsAt) { $0?.text ?? "never" }
            if following.contains(coupon.id) {
                try connection.execute("update imported_coupons set number_left = $2 where id = $1", coupon.id, coupon.left)
            } else {
                note(.leftChanged, "number_left", was.left, coupon.left) { "\($0)" }
            }
        }
    }

    /// Keeps what a coupon is there, for later runs.
    func keep(_ coupon: StagedCoupon) throws {
        let sql = """
            insert into imported_coupons (id, name, price, number_left, ends_at, state) values ($1, $2, $3, $4, $5, $6)
            """
        try connection.execute(sql, coupon.id, coupon.name, coupon.price, coupon.left, coupon.endsAt, coupon.state)
    }
}

/// A coupon as it was there when it was imported.
struct ImportedCoupon: Sendable, Hashable {
    let name: String
    let price: Int
    let left: Int
    let endsAt: Timestamp?
    let state: Coupon.State
}

extension PostgresConnection {
    fileprivate func importedCoupons() throws -> [CouponID: ImportedCoupon] {
        let rows = try query("select id, name, price, number_left, ends_at, state from imported_coupons").map {
            row throws(PostgresError) in
            let coupon = ImportedCoupon(
                name: try row.decode(1),
                price: try row.decode(2),
                left: try row.decode(3),
                endsAt: try row.decode(4),
                state: try row.decode(5)
            )
            return (try row.decode(0, as: CouponID.self), coupon)
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }
}
