public import Domain
public import PostgresClient

/// Reads redemptions. `PostgresConnection+Landing` writes them.
extension PostgresConnection {
    private static let redemptionColumns = "id, user_id, coupon_id, price"

    /// The SQL of a page. The first part is materialized: if Postgres saw the LIMIT there, it might walk through the redemptions of all
    /// users, newest first, until it has enough of this user.
    static let redemptionPage = """
        with page as materialized (
            select \(redemptionColumns) from redemptions where user_id = $1 and ($2::uuid is null or id < $2)
        )
        select \(redemptionColumns) from page order by id desc limit $3
        """

    private static func redemption(_ row: PostgresRow) throws(PostgresError) -> Redemption {
        Redemption(id: try row.decode(0), user: try row.decode(1), coupon: try row.decode(2), price: try row.decode(3))
    }

    public func redemption(id: RedemptionID) throws -> Redemption? {
        let sql = "select \(PostgresConnection.redemptionColumns) from redemptions where id = $1"
        return try query(sql, id).first.map(PostgresConnection.redemption)
    }

    /// The redemptions among these that are in Postgres.
    public func stored(_ ids: [RedemptionID]) throws -> Set<RedemptionID> {
        Set(
            try query("select id from redemptions where id = any($1)", ids).map { row throws(PostgresError) in
                try row.decode(0, as: RedemptionID.self)
            }
        )
    }

    /// All redemptions of a coupon, and how many users they are of.
    public func redemptionCounts(of coupon: CouponID) throws -> (rows: Int, users: Int) {
        let row = try query("select count(*), count(distinct user_id) from redemptions where coupon_id = $1", coupon)[0]
        return (try row.decode(0), try row.decode(1))
    }

    public func redemptionCount() throws -> Int { try query("select count(*) from redemptions")[0].decode(0) }

    /// The whole table, in no order: for a check of a small installation.
    public func allRedemptions() throws -> [Redemption] {
        try query("select \(PostgresConnection.redemptionColumns) from redemptions").map(PostgresConnection.redemption)
    }

    /// A page of a user's redemptions, newest first: an id begins with its time.
    public func redemptions(of user: UserID, after id: RedemptionID?, limit: Int) throws -> [Redemption] {
        try query(PostgresConnection.redemptionPage, user, id, limit).map(PostgresConnection.redemption)
    }
}
