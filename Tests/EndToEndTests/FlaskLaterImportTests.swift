import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// A second import, after the Flask service went on.
@Suite(.serialized) struct FlaskLaterImportTests {
    /// What the service did between the two: a new user, a new coupon, and uses of old and new ones by old and new ones.
    private static let later = """
        update "User" set credit = 50 where id = 1;
        update "Coupon" set number_left = number_left - 2 where id = 1;
        update "Coupon" set number_left = 0 where id = 2;
        insert into "User" values (4, 'dora', 'Dora', '\(WerkzeugHashes.scrypt.stored)', 33);
        insert into "Coupon" values (4, 'New', 10, true, 'NEW-10', 8, null);
        insert into user_coupon values (4, 1), (4, 4), (3, 1), (1, 2), (1, 4)
        """

    @Test func asLongAsNothingWasOpenedAllOfItIsAdded() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                _ = try await product.importFlask(flask, status: 0)
                // What operators did here stays.
                try await product.run("coupon", "restock", "summer-gala-1", "--by", "100")
                try await flask.run(FlaskLaterImportTests.later)
                let report = try await product.importFlask(flask, status: 0)
                #expect(report.counts("users") == [4, 1, 3, 0])
                #expect(report.counts("coupons") == [4, 1, 3, 0])
                #expect(report.counts("uses") == [8, 5, 3, 0])
                #expect(try await product.coupons() == ["new-4 2/10", "old-3 1/10", "summer-gala-1 4/107", "winter-2 1/1"])
                #expect(try await product.balances() == ["ada 50", "ben 0", "cleo 100", "dora 33"])
                let before = try await product.fingerprint()
                _ = try await product.importFlask(flask, status: 0)
                #expect(try await product.fingerprint() == before)

                let sync = product.start("sync")
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                try await API.with(server.api) { api in
                    let ada = try await api.login("ada", WerkzeugHashes.scrypt.password)
                    let cleo = try await api.login("cleo", WerkzeugHashes.pbkdf2.password)
                    #expect(try await api.redeem("winter-2", token: ada, code: "WINTER-10").code == "already_redeemed")
                    #expect(try await api.redeem("winter-2", token: cleo, code: "WINTER-10").code == "sold_out")
                    #expect(try await api.send(.GET, "/v1/coupons/summer-gala-1", token: ada)["left"] as? Int == 103)
                }
                try await product.settled()
            }
        }
    }

    @Test func onceItWasOpenedNothingIsTakenFromUsersWhoAreAtWork() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                let sync = product.start("sync")
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                _ = try await product.importFlask(flask, status: 0)
                try await product.applied()
                try await API.with(server.api) { api in
                    let ada = try await api.login("ada", WerkzeugHashes.scrypt.password)
                    let cleo = try await api.login("cleo", WerkzeugHashes.pbkdf2.password)
                    try await flask.run(FlaskLaterImportTests.later)
                    let report = try await product.importFlask(flask, status: 1)
                    #expect(report.counts("users") == [4, 1, 3, 0])
                    #expect(report.counts("coupons") == [4, 1, 3, 0])
                    #expect(report.counts("uses") == [8, 2, 3, 3])
                    #expect(report.findings.count == 4, "\(report.findings)")
                    #expect(report.findings[0].hasPrefix("coupon_held_back 1: "))
                    #expect(
                        report.findings[1]
                            == "credit_changed 1: user 1 'ada': the credit was 70 when it was taken over, and is 50 there now"
                    )
                    #expect(report.findings[2].hasPrefix("use_too_late 3: "))
                    for use in ["user 1, coupon new-4", "user 1, coupon winter-2", "user 3, coupon summer-gala-1"] {
                        #expect(report.findings[2].contains("\(use): the user was here already"), "\(report.findings)")
                    }
                    #expect(
                        report.findings[3].hasPrefix(
                            "left_changed 2: coupon 1 'Sümmer Gala!', summer-gala-1 here: number_left was 5"
                        )
                    )
                    try await product.applied()
                    try await product.settled()
                    // What was left is left; the new user's use counts on top of it.
                    #expect(try await product.coupons() == ["new-4 1/9", "old-3 1/10", "summer-gala-1 3/8", "winter-2 0/1"])
                    let summer = try await api.send(.GET, "/v1/coupons/summer-gala-1", token: ada)
                    #expect(summer["left"] as? Int == 5)
                    #expect(try await api.send(.GET, "/v1/coupons/new-4", token: ada)["left"] as? Int == 8)

                    let dora = try await api.login("dora", WerkzeugHashes.scrypt.password)
                    #expect(try await api.redeem("summer-gala-1", token: dora, code: "SUMMER-20").code == "already_redeemed")
                    // Its use by ada is known there only, so it is not on sale here.
                    for token in [ada, dora] {
                        #expect(try await api.redeem("new-4", token: token, code: "NEW-10").code == "coupon_paused")
                    }
                    #expect(try await api.redeem("winter-2", token: dora, code: "WINTER-10").status == 201)
                    #expect(try await api.redeem("summer-gala-1", token: cleo, code: "SUMMER-20").status == 201)
                    #expect(try await api.credit(dora) == 23)
                }
                try await product.settled()
            }
        }
    }

    /// An import adds uses to the coupon that the owner lands redemptions of, and that a server reads.
    @Test func aSaleGoesOnMeanwhile() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                try await flask.run(#"update "Coupon" set number_left = 10000 where id = 1"#)
                _ = try await product.importFlask(flask, status: 0)
                let sync = product.start("sync")
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                let tokens = try await product.seed(users: 600, stock: 1)
                try await flask.run(
                    """
                    insert into "User" select i, 'new' || i, 'New', '\(WerkzeugHashes.scrypt.stored)', 20
                        from generate_series(10, 3009) i;
                    insert into user_coupon select i, 1 from generate_series(10, 3009) i
                    """
                )
                try await API.with(server.api, connections: 16) { api in
                    let running = product.start("import", "flask", "--from", flask.url)
                    let answers = try await concurrently(16, tokens) {
                        try await api.redeem("summer-gala-1", token: $0, code: "SUMMER-20").status
                    }
                    #expect(answers.allSatisfy { $0 == 201 })
                    #expect(await running.exitStatus() == 0, "\(running.output)")
                    try await product.applied()
                    try await product.settled()
                    let new = try await api.login("new3009", WerkzeugHashes.scrypt.password)
                    #expect(try await api.redeem("summer-gala-1", token: new, code: "SUMMER-20").code == "already_redeemed")
                    let summer = try await api.send(.GET, "/v1/coupons/summer-gala-1", token: new)
                    #expect(summer["left"] as? Int == 10_000 - 600)
                    #expect(summer["total"] as? Int == 10_002 + 3_000)
                }
                #expect(try await product.coupons().contains("summer-gala-1 3602/13002"))
            }
        }
    }

    @Test func othersAreToldApart() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                _ = try await product.importFlask(flask, status: 0)
                try await flask.run(
                    """
                    update "User" set username = 'ada.lovelace' where id = 1;
                    update "Coupon" set name = 'Summer Sale' where id = 1
                    """
                )
                let renamed = try await product.importFlask(flask, status: 1)
                #expect(renamed.counts("users") == [3, 0, 2, 1])
                #expect(renamed.counts("coupons") == [3, 0, 3, 0])
                #expect(renamed.counts("uses") == [3, 0, 3, 0])
                #expect(
                    renamed.findings == [
                        "user_renamed 1: user 1 'ada.lovelace' is 'ada' here",
                        "coupon_name_changed 1: coupon 1 'Summer Sale', summer-gala-1 here: the name was 'Sümmer Gala!' when it was "
                            + "taken over, and is 'Summer Sale' there now",
                    ]
                )

                var environment = product.environment
                environment["REDEEM_CODE_KEY"] = String(repeating: "d", count: 32)
                let otherKey = await redeem("import", "flask", "--from", flask.url, "--dry-run", environment: environment)
                #expect(otherKey.status == 64)
                #expect(otherKey.output.contains("REDEEM_CODE_KEY is not the key that hidden codes were digested with"))

                try await flask.run(#"update "Coupon" set hidden_code = 'ANOTHER-1' where id = 1"#)
                let otherCode = await redeem(
                    "import",
                    "flask",
                    "--from",
                    flask.url,
                    "--dry-run",
                    environment: product.environment
                )
                #expect(otherCode.status == 1)
                #expect(otherCode.output.contains("coupon 1 'Summer Sale': it is 'summer-gala-1' here, with another hidden code"))
                #expect(otherCode.output.contains("changed there, or here by `redeem key replace-code`"))
            }
        }
    }

    /// A process that is killed leaves nothing behind, and the next one does all of it.
    @Test func oneThatIsKilledImportsNothing() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                let before = try await product.fingerprint()
                // The last thing written waits for it.
                let holder = RedeemProcess(
                    [
                        "-Atq", product.database, "-c", "begin", "-c", "lock table credit_grants in access exclusive mode",
                        "-c", "select 'locked'", "-c", "select pg_sleep(60)",
                    ],
                    program: "/usr/bin/psql"
                )
                _ = try await holder.line(startingWith: "locked")
                let running = product.start("import", "flask", "--from", flask.url)
                try await product.until("wait_event_type = 'Lock'", isTrueOf: 1)
                let second = await redeem("import", "flask", "--from", flask.url, environment: product.environment)
                #expect(second.status == 1)
                #expect(second.output.contains("another import is under way"))
                #expect(await running.stop(SIGKILL) == 128 + SIGKILL)
                _ = try await texts(
                    "select pg_terminate_backend(pid)::text from pg_stat_activity where wait_event = 'PgSleep'",
                    at: product.database
                )
                _ = await holder.exitStatus()
                try await product.until("pid <> pg_backend_pid()", isTrueOf: 0)
                #expect(try await product.fingerprint() == before)
                #expect(try await product.importFlask(flask, status: 0).counts("users") == [3, 3, 0, 0])
            }
        }
    }
}

extension Product {
    /// Waits until the condition is true of so many of the database's connections.
    fileprivate func until(_ condition: String, isTrueOf count: Int) async throws {
        let sql = "select count(*)::text from pg_stat_activity where datname = current_database() and \(condition)"
        try await TestSupport.until(condition) { try await texts(sql, at: database) == ["\(count)"] }
    }

    fileprivate func coupons() async throws -> [String] {
        try await texts("select format('%s %s/%s', id, redeemed, total) from coupons order by id", at: database)
    }

    fileprivate func balances() async throws -> [String] {
        let sql = "select format('%s %s', username, balance) from users join balances on user_id = id order by username"
        return try await texts(sql, at: database)
    }
}
