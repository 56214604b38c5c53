public import Domain
public import PostgresClient

/// A part of `redemptions`, or all of it: the rows of consecutive users. Read in one snapshot.
///
/// Users and coupons are as the rows have them, which may be no ids of ours where somebody wrote by hand.
public struct RedemptionPage: Sendable {
    public struct Repeated: Hashable, Sendable {
        public let user: String
        public let coupon: String
        public let count: Int
    }

    /// The last user of the page; `nil`: the table ends with it.
    public let last: String?
    /// The page's rows by coupon, of those that exist.
    public let rows: [CouponID: Int]
    /// Users with two redemptions of one coupon. The schema does not allow any.
    public let repeated: [Repeated]
    /// Rows whose user or coupon does not exist. There are no foreign keys; landing checks.
    public let dangling: Int
    /// All coupons at the moment of the snapshot.
    public let coupons: [Coupon]
}

extension PostgresConnection {
    /// The rows of the page: of users behind $1 up to $2.
    private static let range = "($1::text is null or user_id > $1::uuid) and ($2::text is null or user_id <= $2::uuid)"

    /// To be called within one `transaction(.snapshotReadOnly)`.
    ///
    /// - Parameters:
    ///   - user: the last one of the page before; `nil`: the first page.
    ///   - limit: about how many rows; `nil`: all that are left. A user's rows are never parted.
    ///   - examples: at most so many of `repeated`.
    public func redemptionPage(after user: String?, limit: Int?, examples: Int) throws -> RedemptionPage {
        try snapshot {
            let last = try limit.flatMap { try lastUser(after: user, limit: $0) }
            return RedemptionPage(
                last: last,
                rows: try redemptionsByCoupon(after: user, through: last),
                repeated: try repeatedRedemptions(after: user, through: last, limit: examples),
                dangling: try danglingRedemptions(after: user, through: last),
                coupons: try allCoupons()
            )
        }
    }

    /// The user of the row that a page of `limit` rows ends with; `nil`: there are fewer.
    private func lastUser(after user: String?, limit: Int) throws -> String? {
        let sql =
            "select user_id::text from redemptions where ($1::text is null or user_id > $1::uuid) order by user_id offset $2 limit 1"
        return try query(sql, user, limit - 1).first.map { try $0.decode(0) }
    }

    func redemptionsByCoupon(after user: String? = nil, through last: String? = nil) throws -> [CouponID: Int] {
        let sql = """
            select coupon_id, count(*) from redemptions where \(PostgresConnection.range)
              and coupon_id in (select id from coupons) group by coupon_id
            """
        return Dictionary(uniqueKeysWithValues: try query(sql, user, last).map { (try $0.decode(0), try $0.decode(1)) })
    }

    private func repeatedRedemptions(
        after user: String?,
        through last: String?,
        limit: Int
    ) throws -> [RedemptionPage.Repeated] {
        let sql = """
            select user_id::text, coupon_id, count(*) from redemptions where \(PostgresConnection.range)
            group by user_id, coupon_id having count(*) > 1 order by user_id, coupon_id limit $3
            """
        return try query(sql, user, last, limit).map {
            RedemptionPage.Repeated(user: try $0.decode(0), coupon: try $0.decode(1), count: try $0.decode(2))
        }
    }

    private func danglingRedemptions(after user: String?, through last: String?) throws -> Int {
        let sql = """
            select count(*) from redemptions where \(PostgresConnection.range)
              and (not exists (select from users where users.id = user_id)
                or not exists (select from coupons where coupons.id = coupon_id))
            """
        return try query(sql, user, last)[0].decode(0)
    }
}
