import Domain
import PostgresClient

extension ImportStage {
    /// True if a Redis can have loaded users, which takes a snapshot with a shard's cursor. If there is no cursor yet, this keeps anybody
    /// from making one before the transaction ends; users who are loaded after that have everything that it wrote.
    func wasEverOpened() throws -> Bool {
        if try count("outbox_cursor") > 0 { return true }
        try connection.script("lock table outbox_cursor in share row exclusive mode")
        return try count("outbox_cursor") > 0
    }

    /// Makes the table `judged_uses`: a verdict on each use.
    ///
    /// An imported use counts as redeemed and adds to its coupon's total, so the stock left in Redis stays right. But a loaded
    /// user's record says, by lacking it, that the user has not used a coupon. So only two kinds of uses are new: those of users whom
    /// this transaction creates, since no Redis can have loaded them; and, as long as no shard was ever opened, those of all users.
    func judgeUses(isOpened: Bool) throws {
        try connection.script(
            """
            create temp table judged_uses on commit drop as
            select counted.*,
                case
                    when judged.id is null then 'dangling'
                    when redemptions.id is not null then 'here'
                    when judged.verdict not in ('here', 'new') then 'skipped'
                    when judged.verdict = 'new' then 'new'
                    else '\(isOpened ? "late" : "new")'
                end as verdict
            from counted_uses counted
            left join judged_users judged on judged.id = counted.user_id and judged.verdict <> 'again'
            left join redemptions on redemptions.user_id = counted.user_id and redemptions.coupon_id = counted.coupon_id;
            analyze judged_uses
            """
        )
    }

    /// The epoch of imported redemptions. No outbox has it, so they differ from all redemptions that were decided here.
    static let epoch = Epoch(0)

    func writeUses(into report: inout ImportReport) throws {
        let sql = """
            insert into redemptions (id, user_id, coupon_id, price, redeemed_at, shard, epoch, stream_id)
            select id, user_id, coupon_id, price, $1, $2, $3, $4 from judged_uses where verdict = 'new'
            """
        let moment = Timestamp(milliseconds: Int64(UUIDv7.importedMilliseconds))
        let imported = try connection.execute(sql, moment, Shard(index: 0), ImportStage.epoch, StreamID.zero)
        let here = try count("judged_uses where verdict = 'here'")
        report.uses.imported += imported
        report.uses.alreadyHere += here
        report.uses.skipped += try count("staged_uses") - imported - here
        try note(.useDangling, "dangling", "there is no such user", &report)
        try note(.useOfSkipped, "skipped", "the user was not taken over", &report)
        try note(.useTooLate, "late", "the user was here already, and may be loaded in Redis", &report)
    }

    private func note(_ kind: ImportReport.Kind, _ verdict: String, _ reason: String, _ report: inout ImportReport) throws {
        let rows = "judged_uses where verdict = $1"
        try note(kind, "user_source, coupon_id", from: rows, [verdict], by: "id", in: &report) { row throws(PostgresError) in
            "user \(try row.decode(0, as: String.self)), coupon \(try row.decode(1, as: String.self)): \(reason)"
        }
    }

    /// Grants credit. A new user gets as much as leaves, after the price of all past uses, the credit there. A user who was here and got
    /// further uses gets what is missing. There is no control entry, since no shard can have loaded these users.
    func grantCredit(into report: inout ImportReport) throws {
        let new = """
            insert into credit_grants (user_id, amount, reason, actor)
            select id, (credit + spent)::bigint, 'imported', $1 from judged_users where verdict = 'new' and credit + spent > 0
            """
        try connection.execute(new, actor)
        let compared = """
            judged_users judged join balances on balances.user_id = judged.id
            where judged.verdict = 'here' and exists (
                select from judged_uses where judged_uses.user_id = judged.id and judged_uses.verdict = 'new'
            )
            """
        let lacking = """
            insert into credit_grants (user_id, amount, reason, actor)
            select judged.id, judged.credit - balances.balance, 'imported', $1 from \(compared) and judged.credit > balances.balance
            """
        try connection.execute(lacking, actor)
        let columns = "source, username, balances.balance, judged.credit"
        let ahead = "\(compared) and judged.credit < balances.balance"
        try note(.creditChanged, columns, from: ahead, by: "position", in: &report) { row throws(PostgresError) in
            "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))' has "
                + "\(try row.decode(2, as: Int.self)) here and \(try row.decode(3, as: Int.self)) there"
        }
    }
}
