import Domain
public import PostgresClient

/// A transaction that imports the users, coupons and past uses of another service. Rows are staged first, and then judged and written all
/// at once.
public struct ImportStage {
    let connection: PostgresConnection
    /// The one who imports, for the records of grants and coupons.
    let actor: String

    public func stage(_ users: [StagedUser]) throws {
        let columns = ["source", "id", "username", "name", "password_hash", "credit"]
        try connection.copyIn(users, into: "pg_temp.staged_users", columns) { user, copy in
            let account = user.account
            copy.row(user.source, user.id, account?.username, account?.name, account?.passwordHash, account?.credit)
        }
    }

    public func stage(_ uses: [StagedUse]) throws {
        let columns = ["id", "user_id", "user_source", "coupon_id", "price"]
        try connection.copyIn(uses, into: "pg_temp.staged_uses", columns) { use, copy in
            copy.row(use.id, use.user, use.userSource, use.coupon, use.price)
        }
    }

    /// Judges and writes the staged rows, and reports what became of them.
    ///
    /// Coupons are the last step: from then on until the transaction ends, everybody who changes something waits for the control log, and
    /// the shard's owner waits for the coupons that get further uses.
    ///
    /// Throws `WrongServiceKey`.
    ///
    /// - Parameters:
    ///   - codeKey: the id of the key that codes of coupons were digested with.
    ///   - progress: steps done, and steps in all.
    public func write(
        _ coupons: [StagedCoupon],
        codeKey: String? = nil,
        into report: inout ImportReport,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        let isOpened = try wasEverOpened()
        let steps: [(inout ImportReport) throws -> Void] = [
            { _ in try countUses() },
            { _ in try judgeUsers() },
            { report in try writeUsers(into: &report) },
            { _ in try judgeUses(isOpened: isOpened) },
            { report in try writeUses(into: &report) },
            { report in try grantCredit(into: &report) },
            { report in try noteChangesOfUsers(into: &report) },
            { report in try noteUsesGone(of: coupons.map(\.id), into: &report) },
            { report in try writeCoupons(coupons.sorted { $0.id < $1.id }, codeKey, isOpened, into: &report) },
        ]
        for (index, step) in steps.enumerated() {
            progress(index, steps.count)
            try step(&report)
        }
        progress(steps.count, steps.count)
    }
}

extension PostgresConnection {
    /// Runs `body` in a transaction in which it can stage and write. One import at a time.
    ///
    /// Throws `ImportUnderWay`, and what `body` throws: then nothing was written.
    ///
    /// - Parameter keep: `false` rolls back what `body` has done.
    public func importing<T>(keep: Bool, actor: String, _ body: (ImportStage) throws -> T) throws -> T {
        let stage = ImportStage(connection: self, actor: actor)
        func work() throws -> T {
            guard try tryTransactionLock(.imports) else { throw ImportUnderWay() }
            try stage.makeTables()
            return try body(stage)
        }
        return keep ? try transaction { try work() } : try rehearsal { try work() }
    }
}

extension ImportStage {
    func count(_ rows: String, _ parameters: [any PostgresValue] = []) throws(PostgresError) -> Int {
        try connection.query("select count(*) from \(rows)", parameters: parameters)[0].decode(0)
    }

    /// Notes rows in the report: their number, and the first of them in words.
    /// - Parameters:
    ///   - rows: what follows FROM, with `parameters` as `$1` and so on.
    ///   - order: the columns that the rows are sorted by.
    func note(
        _ kind: ImportReport.Kind,
        _ columns: String,
        from rows: String,
        _ parameters: [any PostgresValue] = [],
        by order: String,
        in report: inout ImportReport,
        words: (PostgresRow) throws(PostgresError) -> String
    ) throws {
        let count = try count(rows, parameters)
        guard count > 0 else { return }
        let sql = "select \(columns) from \(rows) order by \(order) limit \(ImportReport.examplesKept)"
        let examples = try connection.query(sql, parameters: parameters).map(words)
        report.note(kind, count: count, examples: examples)
    }

    fileprivate func makeTables() throws(PostgresError) {
        try connection.script(
            """
            create temp table staged_users (
                position bigint generated always as identity,
                source text, id uuid, username text collate "C", name text, password_hash text, credit bigint
            ) on commit drop;
            create temp table staged_uses (
                id uuid, user_id uuid, user_source text, coupon_id text collate "C", price bigint
            ) on commit drop
            """
        )
    }
}

public struct ImportUnderWay: Error, CustomStringConvertible {
    public var description: String { "another import is under way" }
}
