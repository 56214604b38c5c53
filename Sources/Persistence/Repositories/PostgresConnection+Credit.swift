public import Domain
public import PostgresClient

extension PostgresConnection {
    /// The user's balance: grants minus redemptions in Postgres. Redemptions that are still in the outbox are not subtracted yet. `nil`:
    /// there is no such user.
    public func balance(of user: UserID) throws -> Int? {
        try query("select balance from balances where user_id = $1", user).first?.decode(0)
    }

    /// Adds `amount` (at least 1) to the user's credit and to the control log. `nil`: there is no such user.
    ///
    /// Throws a check violation of `PostgresConstraint.grantAmount`, or of `.balance` where the credit would pass 2^53 − 1.
    public func grantCredit(to user: UserID, amount: Int, reason: String, actor: String) throws -> ControlEntry? {
        guard (1...Limits.amount).contains(amount) else {
            throw PostgresError.outOfRange("\(amount) is not between 1 and \(Limits.amount)", PostgresConstraint.grantAmount)
        }
        return try controlTransaction {
            guard let balance = try balance(of: user) else { return nil }
            // Nobody else can add to it meanwhile: every grant holds the control log's lock.
            guard balance + amount <= Limits.amount else {
                let message = "the user has \(balance) already and can have at most \(Limits.amount)"
                throw PostgresError.outOfRange(message, PostgresConstraint.balance)
            }
            let entry = try appendControl(.creditGranted(user, amount: amount), actor: actor)
            let sql = "insert into credit_grants (user_id, amount, reason, control_seq, actor) values ($1, $2, $3, $4, $5)"
            try execute(sql, user, amount, reason, entry.sequence, actor)
            return entry
        }
    }

    /// The snapshots by which Redis loads these users, all of one moment. Users who do not exist are left out. All are left out if the
    /// shard has no cursor yet.
    public func snapshot(of users: [UserID], shard: Shard) throws -> [UserSnapshot] {
        // One statement sees one moment. It has a row for each redemption, and a row with nulls for a user without any.
        let sql = """
            select users.id, granted.sum, (select coalesce(max(seq), 0) from control_log), outbox_cursor.epoch,
                   redemptions.coupon_id, redemptions.id, redemptions.price
            from users
            join outbox_cursor on outbox_cursor.shard = $2
            cross join lateral (
                select coalesce(sum(amount), 0)::bigint as sum from credit_grants where credit_grants.user_id = users.id
            ) granted
            left join redemptions on redemptions.user_id = users.id
            where users.id = any($1)
            order by users.id
            """
        var snapshots: [UserSnapshot] = []
        for row in try query(sql, users, shard) {
            let user = try row.decode(0, as: UserID.self)
            let begun = snapshots.last.flatMap { $0.user == user ? snapshots.popLast() : nil }
            var redemptions = begun?.redemptions ?? [:]
            var balance = try begun?.balance ?? row.decode(1)
            if let coupon = try row.decode(4, as: CouponID?.self) {
                redemptions[coupon] = try row.decode(5, as: RedemptionID.self)
                balance -= try row.decode(6)
            }
            snapshots.append(
                UserSnapshot(
                    user: user,
                    balance: balance,
                    redemptions: redemptions,
                    control: try row.decode(2),
                    epoch: try row.decode(3)
                )
            )
        }
        return snapshots
    }
}
