import Domain
import PostgresClient

extension ImportStage {
    /// Makes the table `counted_uses`: one row for each user and coupon, with the number of uses.
    func countUses() throws {
        try connection.script(
            """
            analyze staged_users, staged_uses;
            create temp table counted_uses on commit drop as
            select id, user_id, user_source, coupon_id, price, count(*) as times
            from staged_uses group by id, user_id, user_source, coupon_id, price;
            analyze counted_uses
            """
        )
    }

    /// Makes the table `judged_users`: a verdict on each user. Of rows that exclude each other, the first one counts.
    func judgeUsers() throws {
        try connection.script(
            """
            create temp table judged_users on commit drop as
            select staged.*, here.username as username_here, coalesce(spent.sum, 0) as spent,
                case
                    when row_number() over (partition by staged.id order by position) > 1 then 'again'
                    when staged.username is null then 'invalid'
                    when here.id is not null and here.username <> staged.username then 'renamed'
                    when here.id is not null then 'here'
                    when holder.id is not null then 'taken'
                    when row_number() over (partition by staged.username, here.id is null and holder.id is null
                                            order by position) > 1 then 'repeated'
                    when staged.credit + coalesce(spent.sum, 0) > \(Limits.amount) then 'rich'
                    else 'new'
                end as verdict
            from staged_users staged
            left join users here on here.id = staged.id
            left join users holder on holder.username = staged.username and holder.id <> staged.id
            left join (select user_id, sum(price) as sum from counted_uses group by user_id) spent on spent.user_id = staged.id;
            analyze judged_users
            """
        )
    }

    func writeUsers(into report: inout ImportReport) throws {
        let sql = """
            insert into users (id, username, name, password_hash, role)
            select id, username, name, password_hash, $1 from judged_users where verdict = 'new' order by position
            """
        let imported = try connection.execute(sql, Role.user)
        let here = try count("judged_users where verdict = 'here'")
        report.users.imported += imported
        report.users.alreadyHere += here
        report.users.skipped += try count("judged_users") - imported - here
        try note(.usernameTaken, "taken", "a user who is here already has the username", &report)
        try note(.usernameTaken, "repeated", "a row before has the username", &report)
        try note(.userRepeated, "again", "a row before has the id", &report)
        try note(.userInvalid, "rich", "credit and past uses add up to more than \(Limits.amount)", &report)
        try noteRenamed(&report)
        try noteWithoutPassword(&report)
    }

    private func note(_ kind: ImportReport.Kind, _ verdict: String, _ reason: String, _ report: inout ImportReport) throws {
        let columns = "source, coalesce(username, '')"
        let rows = "judged_users where verdict = $1"
        try note(kind, columns, from: rows, [verdict], by: "position", in: &report) { row throws(PostgresError) in
            "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))': \(reason)"
        }
    }

    /// Notes users whose id has another username here. They may be the same users, or those of another service with the same numbers, so
    /// nothing is added to them.
    private func noteRenamed(_ report: inout ImportReport) throws {
        let columns = "source, username, username_here"
        let rows = "judged_users where verdict = 'renamed'"
        try note(.userRenamed, columns, from: rows, by: "position", in: &report) { row throws(PostgresError) in
            "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))' is "
                + "'\(try row.decode(2, as: String.self))' here"
        }
    }

    /// Notes users, of this run and of earlier ones, who have no password yet.
    private func noteWithoutPassword(_ report: inout ImportReport) throws {
        let rows = """
            judged_users judged join users on users.id = judged.id
            where judged.verdict in ('new', 'here') and users.password_hash = $1
            """
        let none = [StagedUser.Account.noPassword]
        try note(.passwordUnknown, "source, users.username", from: rows, none, by: "position", in: &report) {
            row throws(PostgresError) in
            "user \(try row.decode(0, as: String.self)) '\(try row.decode(1, as: String.self))'"
        }
    }
}
