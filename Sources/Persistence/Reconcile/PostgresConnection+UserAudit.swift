public import Domain
public import PostgresClient

/// A user's credit as Postgres knows it, in one snapshot: all grants and all redemptions.
public struct UserAudit: Hashable, Sendable {
    public struct Grant: Hashable, Sendable {
        public let amount: Int
        /// The entry of the control log; `nil` for what the user was created with.
        public let control: Int?
    }

    public struct Row: Hashable, Sendable {
        public let redemption: Redemption
        /// True if it landed after the snapshot of Redis that it is compared with.
        public let isNewer: Bool
    }

    public let user: UserID
    public fileprivate(set) var grants: [Grant] = []
    public fileprivate(set) var rows: [Row] = []

    public var balance: Int { grants.reduce(0) { $0 + $1.amount } - rows.reduce(0) { $0 + $1.redemption.price } }
}

extension PostgresConnection {
    /// A page of all users in the order of their ids.
    public func userIDs(after user: UserID?, limit: Int) throws -> [UserID] {
        let sql = "select id from users where ($1::uuid is null or id > $1) order by id limit $2"
        return try query(sql, user, limit).map { row throws(PostgresError) in try row.decode(0) }
    }

    public func userCount() throws -> Int {
        try query("select count(*) from users")[0].decode(0)
    }

    /// - Parameter position: the last entry that a snapshot of Redis has seen; rows of its epoch with a higher stream id are newer.
    /// - Returns: the shard's cursor, and the users in the order given.
    public func audit(_ users: [UserID], of shard: Shard, newerThan position: Cursor) throws -> (
        cursor: Cursor?, users: [UserAudit]
    ) {
        try snapshot {
            var audits = Dictionary(users.map { ($0, UserAudit(user: $0)) }) { first, _ in first }
            for row in try query("select user_id, amount, control_seq from credit_grants where user_id = any($1)", users) {
                let user: UserID = try row.decode(0)
                audits[user, default: UserAudit(user: user)].grants.append(
                    UserAudit.Grant(amount: try row.decode(1), control: try row.decode(2, as: Int?.self))
                )
            }
            let sql = """
                select user_id, id, coupon_id, price, shard = $2 and epoch = $3
                    and (split_part(stream_id, '-', 1)::numeric, split_part(stream_id, '-', 2)::numeric)
                        > (split_part($4, '-', 1)::numeric, split_part($4, '-', 2)::numeric)
                from redemptions where user_id = any($1)
                """
            for row in try query(sql, users, shard, position.epoch, position.lastID) {
                let user: UserID = try row.decode(0)
                let redemption = Redemption(
                    id: try row.decode(1),
                    user: user,
                    coupon: try row.decode(2),
                    price: try row.decode(3)
                )
                audits[user, default: UserAudit(user: user)].rows.append(
                    UserAudit.Row(redemption: redemption, isNewer: try row.decode(4))
                )
            }
            return (try cursor(of: shard), users.compactMap { audits[$0] })
        }
    }
}
