import Domain
import PostgresClient

extension ImportStage {
    /// Whether a Redis can have loaded anybody. A user is loaded from a snapshot that has the shard's cursor. Where there is none
    /// yet, none is made before this transaction ends, and whatever is loaded afterwards has all of it.
    func wasEverOpened() throws -> Bool {
        if try count("outbox_cursor") > 0 { return true }
        try connection.script("lock table outbox_cursor in share row exclusive mode")
        return try count("outbox_cursor") > 0
    }

    /// What is to become of each use: `judged_uses`.
    ///
    /// A use counts as redeemed and adds to its coupon's total, so what is left stays as it is in Redis, no matter who changes it there
    /// meanwhile. What Redis does keep to itself is that a user who is loaded has *not* used a coupon. So only two kinds of use
    /// are new: those of users who come in this very transaction, whom no Redis can have loaded; and, as long as no shard was
    /// ever opened, those of anybody.
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

    /// No outbox has it, so no row of ours can be taken for one that was imported, nor the other way round.
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

    /// Credit that leaves each new user, after the price of all past uses, what the user has there. For users who were here, and
    /// got further uses, what is missing to that. No control entry: no shard can have loaded any of them.
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
