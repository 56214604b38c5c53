import Domain
import PostgresClient

extension PostgresConnection {
    /// Checks that all users exist. It replaces a foreign key, which would lock the user's row for each redemption, by one query a batch.
    /// Users are never deleted, so a user found here is there at the commit too.
    func requireUsers(_ rows: ArraySlice<LandingRow>) throws(PostgresError) {
        let users = Array(Set(rows.lazy.map(\.redemption.user)))
        let found = try query("select count(*) from users where id = any($1)", users)[0].decode(0, as: Int.self)
        guard found == users.count else { throw PostgresError.dangling("an unknown user", "redemptions_user") }
    }

    /// Adds the rows to `coupons.redeemed`. Throws if a coupon does not exist, has another price, or would be redeemed more often than its
    /// total. A coupon's price never changes, so the script did not decide on another one: somebody wrote into Redis.
    func countRedeemed(_ rows: ArraySlice<LandingRow>) throws(PostgresError) {
        var counts: [CouponID: Int] = [:]
        for row in rows { counts[row.redemption.coupon, default: 0] += 1 }
        let coupons = counts.keys.sorted()
        // In the order of the ids, so that the owners of two shards never wait for each other.
        let found = try query("select id, price from coupons where id = any($1) order by id for no key update", coupons)
        guard found.count == coupons.count else { throw PostgresError.dangling("an unknown coupon", "redemptions_coupon") }
        var prices: [CouponID: Int] = [:]
        for row in found { prices[try row.decode(0)] = try row.decode(1) }
        // Rows of one entry are of one coupon.
        var (last, price) = (rows.first?.redemption.coupon, rows.first.flatMap { prices[$0.redemption.coupon] })
        for row in rows {
            if row.redemption.coupon != last { (last, price) = (row.redemption.coupon, prices[row.redemption.coupon]) }
            guard row.redemption.price == price else {
                throw PostgresError(
                    .serverError,
                    "a redemption at the price \(row.redemption.price); \(row.redemption.coupon) costs \(price ?? 0)",
                    sqlState: "23514",
                    constraint: "redemptions_price"
                )
            }
        }
        let sql = """
            update coupons set redeemed = redeemed + counts.count
            from unnest($1::text[], $2::bigint[]) as counts (id, count) where coupons.id = counts.id
            """
        try execute(sql, coupons, coupons.map { counts[$0]! })
    }
}

extension PostgresError {
    /// The error that a foreign key would throw.
    fileprivate static func dangling(_ what: String, _ constraint: String) -> PostgresError {
        PostgresError(.serverError, "a redemption of \(what)", sqlState: "23503", constraint: constraint)
    }
}
