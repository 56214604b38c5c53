public import Domain
public import PostgresClient

/// A part of `redemptions`, or all of it: the rows of consecutive users, read in one snapshot.
///
/// Users and coupons are texts, since a row that somebody wrote by hand may have something else than an id.
public struct RedemptionPage: Sendable {
    public struct Repeated: Hashable, Sendable {
        public let user: String
        public let coupon: String
        public let count: Int
    }

    /// The last user of the page; `nil`: the table ends with it.
    public let last: String?
    /// The number of the page's rows by coupon, for coupons that exist.
    public let rows: [CouponID: Int]
    /// Users with two redemptions of one coupon. The schema does not allow any.
    public let repeated: [Repeated]
    /// Rows whose user or coupon does not exist. There are no foreign keys; landing checks.
    public let dangling: Int
    /// All coupons at the moment of the snapshot, with the first page and the last; `nil`: with those between.
    public let coupons: [Coupon]?
}

extension PostgresConnection {
    /// Reads a page. Call it within a `transaction(.snapshotReadOnly)`.
    ///
    /// - Parameters:
    ///   - user: the last one of the page before; `nil`: the first page.
    ///   - limit: about how many rows; `nil`: all that are left. A user's rows are never parted.
    ///   - examples: at most so many of `repeated`.
    public func redemptionPage(after user: String?, limit: Int?, examples: Int) throws -> RedemptionPage {
        try snapshot {
            let last = try limit.flatMap { try lastUser(after: user, limit: $0) }
            let users = UserRange(after: user, through: last)
            return RedemptionPage(
                last: last,
                rows: try redemptionsByCoupon(of: users),
                repeated: try repeatedRedemptions(of: users, limit: examples),
                dangling: try danglingRedemptions(of: users),
                coupons: user == nil || last == nil ? try allCoupons() : nil
            )
        }
    }

    /// The user of the row that a page of `limit` rows ends with; `nil`: there are fewer.
    private func lastUser(after user: String?, limit: Int) throws -> String? {
        let users = UserRange(after: user, through: nil)
        let sql =
            "select user_id::text from redemptions where \(users.holds("user_id")) order by user_id offset \(limit - 1) limit 1"
        return try query(sql, users).first.map { try $0.decode(0) }
    }

    func redemptionsByCoupon(of users: UserRange = UserRange()) throws -> [CouponID: Int] {
        let sql = """
            select coupon_id, count(*) from redemptions
            where \(users.holds("user_id")) and coupon_id in (select id from coupons) group by coupon_id
            """
        return Dictionary(uniqueKeysWithValues: try query(sql, users).map { (try $0.decode(0), try $0.decode(1)) })
    }

    private func repeatedRedemptions(of users: UserRange, limit: Int) throws -> [RedemptionPage.Repeated] {
        let sql = """
            select user_id::text, coupon_id, count(*) from redemptions where \(users.holds("user_id"))
            group by user_id, coupon_id having count(*) > 1 order by user_id, coupon_id limit \(limit)
            """
        return try query(sql, users).map {
            RedemptionPage.Repeated(user: try $0.decode(0), coupon: try $0.decode(1), count: try $0.decode(2))
        }
    }

    /// Counts rows whose user or coupon does not exist. It joins, since `not in` reads all users for each row if they are too many for a
    /// hash. Only the users of the page are read.
    private func danglingRedemptions(of users: UserRange) throws -> Int {
        let sql = """
            select count(*) from redemptions
            left join users on users.id = user_id and \(users.holds("users.id"))
            left join coupons on coupons.id = coupon_id
            where \(users.holds("user_id")) and (users.id is null or coupons.id is null)
            """
        return try query(sql, users)[0].decode(0)
    }

    private func query(_ sql: String, _ users: UserRange) throws -> [PostgresRow] {
        switch (users.after, users.through) {
        case (nil, nil): try query(sql)
        case (let after?, nil): try query(sql, after)
        case (nil, let last?): try query(sql, last)
        case (let after?, let last?): try query(sql, after, last)
        }
    }
}

/// A range of users in the order of their ids. The condition has only the ends that exist: with `$1 is null or …` Postgres reads the
/// whole table for each page, once it uses a plan for all values.
struct UserRange {
    var after: String?
    var through: String?

    func holds(_ column: String) -> String {
        switch (after, through) {
        case (nil, nil): "true"
        case (_?, nil): "\(column) > $1::text::uuid"
        case (nil, _?): "\(column) <= $1::text::uuid"
        case (_?, _?): "\(column) > $1::text::uuid and \(column) <= $2::text::uuid"
        }
    }
}
