import Foundation
import HotPath
import LocalStack
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

/// Moving in from a Flask service: through the command, and then through the API.
@Suite(.serialized) struct FlaskImportTests {
    @Test func usersLogInAsBeforeAndWhatTheyUsedStaysUsed() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                let sync = product.start("sync")
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                let imported = try await product.importFlask(flask, status: 0)
                #expect(imported.counts("users") == [3, 3, 0, 0])
                #expect(imported.counts("coupons") == [3, 3, 0, 0])
                #expect(imported.counts("uses") == [3, 3, 0, 0])
                try await product.applied()
                try await API.with(server.api) { api in
                    let ada = try await api.login("ada", WerkzeugHashes.scrypt.password)
                    let ben = try await api.login("ben", WerkzeugHashes.unicode.password)
                    let cleo = try await api.login("cleo", WerkzeugHashes.pbkdf2.password)
                    let wrong = #"{"username":"ada","password":"\#(WerkzeugHashes.unicode.password)"}"#
                    #expect(try await api.send(.POST, "/v1/auth/login", body: wrong).code == "invalid_credentials")

                    let summer = try await api.send(.GET, "/v1/coupons/summer-gala-1", token: ada)
                    #expect(summer["name"] as? String == "Sümmer Gala!")
                    #expect(summer["left"] as? Int == 5)
                    #expect(summer["total"] as? Int == 7)
                    #expect(try await api.credit(ada) == 70)
                    #expect(try await api.credit(ben) == 0)
                    #expect(try await api.redeem("summer-gala-1", token: ada, code: "SUMMER-20").code == "already_redeemed")
                    #expect(try await api.redeem("summer-gala-1", token: ben, code: "SUMMER-20").code == "already_redeemed")
                    let key = "order-1"
                    #expect(try await api.redeem("winter-2", token: ben, code: "WINTER-10").code == "insufficient_credit")
                    #expect(try await api.redeem("winter-2", token: ada, code: "WINTER-10", key: key).status == 201)
                    #expect(try await api.redeem("winter-2", token: cleo, code: "WINTER-10").code == "sold_out")
                    #expect(try await api.redeem("summer-gala-1", token: cleo, code: "SUMMER-20").status == 201)
                    #expect(try await api.redeem("old-3", token: cleo, code: "OLD-5").code == "coupon_paused")
                    #expect(try await api.credit(ada) == 60)
                    #expect(try await api.credit(cleo) == 80)
                    let list = try await api.send(.GET, "/v1/me/redemptions", token: ada)
                    for coupon in ["winter-2", "summer-gala-1", "old-3"] { #expect(list.body.contains("\"\(coupon)\"")) }
                    #expect(list.body.contains("1970-01-01T00:00:00"))
                }
                try await product.settled()

                let before = try await product.fingerprint()
                let again = try await product.importFlask(flask, status: 0)
                #expect(again.counts("users") == [3, 0, 3, 0])
                #expect(again.counts("coupons") == [3, 0, 3, 0])
                #expect(again.counts("uses") == [3, 0, 3, 0])
                #expect(try await product.fingerprint() == before)

                // A Redis that was rebuilt from Postgres knows the same.
                try await product.emptyRedis()
                try await product.applied()
                try await API.with(server.api) { api in
                    let ada = try await api.login("ada", WerkzeugHashes.scrypt.password)
                    #expect(try await api.redeem("summer-gala-1", token: ada, code: "SUMMER-20").code == "already_redeemed")
                    #expect(try await api.credit(ada) == 60)
                }
                try await product.settled()
            }
        }
    }

    @Test func aDryRunSaysTheSameAndChangesNothing() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                try await flask.run(#"insert into "User" values (4, 'no good', 'N', 'x', 1)"#)
                let before = try await product.fingerprint()
                let source = try await texts(#"select u::text from "User" u order by id"#, at: flask.url)
                let dry = try await product.importFlask(flask, "--dry-run", status: 1)
                #expect(dry["dry_run"] as? Bool == true)
                #expect(try await product.fingerprint() == before)
                let real = try await product.importFlask(flask, status: 1)
                for table in ["users", "coupons", "uses"] { #expect(dry.counts(table) == real.counts(table)) }
                #expect(dry.findings == real.findings)
                #expect(real.counts("users") == [4, 3, 0, 1])
                #expect(try await texts(#"select u::text from "User" u order by id"#, at: flask.url) == source)
                let told = await redeem("import", "flask", "--from", flask.url, "--dry-run", environment: product.environment)
                #expect(told.status == 1)
                #expect(told.output.contains("user 4 'no good': not a username"))
                #expect(told.output.contains("dry run: nothing was changed"))
            }
        }
    }

    @Test func whatCannotBeTakenOverIsToldRowByRow() async throws {
        var types = FlaskDatabase.Types()
        types.primaryKey = ""
        types.credit = "numeric(12,2)"
        types.value = "double precision"
        try await Product.with { product in
            try await FlaskDatabase.withShop(types) { flask in
                try await product.run("user", "create", "taken", "--password-stdin", input: "long-enough\n")
                try await product.run(
                    "coupon",
                    "create",
                    "vip",
                    "--code",
                    "VIP",
                    "--price",
                    "1",
                    "--total",
                    "1"
                )
                try await product.run(
                    "coupon",
                    "create",
                    "other-15",
                    "--code",
                    "OTHER",
                    "--price",
                    "1",
                    "--total",
                    "1"
                )
                try await flask.run(
                    """
                    insert into "User" (id, username, name, password, credit) values
                        (4, 'taken', 'T', 'x', 1), (60, 'twice', 'A', '\(WerkzeugHashes.scrypt.stored)', 1),
                        (500, 'twice', 'B', '\(WerkzeugHashes.scrypt.stored)', 2), (7, 'broken', 'C', '', 12.50),
                        (8, 'poor', 'D', '\(WerkzeugHashes.scrypt.stored)', -3), (9, 'old', 'E', 'md5$a$b', 4.00);
                    insert into "Coupon" (id, name, value, active, hidden_code, number_left, expiration_date) values
                        (10, 'Gone', 3, true, 'GONE', -2, null), (11, 'Copy', 3, true, 'SUMMER-20', 1, null),
                        (12, 'Half', 2.5, true, 'HALF', 1, null), (13, 'Mute', 3, true, '', 1, null),
                        (14, 'Very', 3, true, 'VIP', 1, null), (15, 'Other', 3, true, 'ANOTHER', 1, null);
                    insert into user_coupon values
                        (1, 10), (1, 10), (2, 10), (2, 10), (2, 10), (3, 10), (7, 1), (1, 12), (99, 1), (1, 99), (null, 1),
                        (60, 2), (9, 2)
                    """
                )
                let report = try await product.importFlask(flask, status: 1)
                #expect(report.counts("users") == [9, 6, 0, 3])
                #expect(report.counts("coupons") == [9, 4, 0, 5])
                #expect(report.counts("uses") == [16, 8, 0, 8])
                #expect(
                    report.findings == [
                        "coupon_oversold 1: coupon 10 'Gone', gone-10 here: number_left is -2; nothing is left of it",
                        "uses_repeated 3: coupon 10 'Gone', gone-10 here: 3 uses by 2 users who had used it before",
                        "coupon_invalid 2: coupon 12 'Half': the value '2.5' is not a whole number from 0 to 9007199254740991"
                            + " | coupon 13 'Mute': no hidden code",
                        "coupon_code_taken 2: coupon 11 'Copy': coupon 1 'Sümmer Gala!' has its hidden code"
                            + " | coupon 14 'Very': the coupon 'vip', which is here already, has its hidden code",
                        "coupon_id_taken 1: coupon 15 'Other': there is a coupon 'other-15' here with another hidden code",
                        "user_invalid 1: user 7 'broken': the credit '12.50' is not a whole number up to 9007199254740991",
                        "username_taken 2: user 4 'taken': a user who is here already has the username"
                            + " | user 500 'twice': a row before has the username",
                        "password_unknown 1: user 9 'old'",
                        "credit_changed 1: user 8 'poor' has -3 there, which counts as 0",
                        "use_dangling 3: user 1, coupon 99: there is no such coupon | user NULL, coupon 1"
                            + " | user 99, coupon summer-gala-1: there is no such user",
                        "use_of_skipped 2: user 1, coupon 12: the coupon was not taken over"
                            + " | user 7, coupon summer-gala-1: the user was not taken over",
                    ]
                )
                let coupons = try await texts(
                    "select format('%s %s/%s %s', id, redeemed, total, state) from coupons order by id",
                    at: product.database
                )
                #expect(
                    coupons == [
                        "gone-10 3/3 active", "old-3 1/10 paused", "other-15 0/1 active", "summer-gala-1 2/7 active",
                        "vip 0/1 active",
                        "winter-2 2/3 active",
                    ]
                )
                let balances = try await texts(
                    "select format('%s %s/%s', username, balance, granted) from users join balances on user_id = id order by username",
                    at: product.database
                )
                #expect(
                    balances == ["ada 70/98", "ben 0/23", "cleo 100/103", "old 4/14", "poor 0/0", "taken 0/0", "twice 1/11"]
                )
                _ = product.start("sync")
                let server = try await product.serve()
                try await product.applied()
                try await API.with(server.api) { api in
                    let ada = try await api.login("ada", WerkzeugHashes.scrypt.password)
                    #expect(try await api.redeem("gone-10", token: ada, code: "GONE").code == "already_redeemed")
                    let twice = try await api.login("twice", WerkzeugHashes.scrypt.password)
                    #expect(try await api.redeem("gone-10", token: twice, code: "GONE").code == "sold_out")
                    #expect(
                        try await api.send(.POST, "/v1/auth/login", body: #"{"username":"old","password":"!"}"#).status == 401
                    )
                }
                try await product.settled()
            }
        }
    }

    @Test func databasesThatAreNotMeantAreRefused() async throws {
        try await Product.with { product in
            func refused(_ from: String, _ status: Int32, _ text: String) async {
                let result = await redeem("import", "flask", "--from", from, environment: product.environment)
                #expect(result.status == status, "\(result.output)")
                #expect(result.output.contains(text), "\(result.output)")
                #expect(!result.output.contains("s3cret"))
            }
            await refused("postgres://flask:s3cret@127.0.0.1:1/flask", 69, "check --from")
            await refused("nonsense://flask:s3cret@x", 64, "not a valid Postgres URL")
            await refused(product.database, 64, #"there is no table "User" in"#)
            var environment = product.environment
            let missing = await redeem("import", "flask", environment: environment)
            #expect(missing.status == 64)
            #expect(missing.output.contains("REDEEM_IMPORT_FROM is not set"))
            try await FlaskDatabase.withShop { flask in
                environment["REDEEM_IMPORT_FROM"] = flask.url
                #expect(await redeem("import", "flask", "--dry-run", environment: environment).status == 0)
                environment["REDEEM_CODE_KEY"] = ""
                let keyless = await redeem("import", "flask", environment: environment)
                #expect(keyless.status == 64)
                #expect(keyless.output.contains("REDEEM_CODE_KEY is not set"))
                try await flask.run(#"alter table "Coupon" rename number_left to remaining"#)
                await refused(flask.url, 64, #"the table "Coupon" has no column 'number_left'"#)
                try await flask.run(
                    #"alter table "Coupon" rename remaining to number_left; alter table "Coupon" alter expiration_date type text"#
                )
                await refused(flask.url, 64, #"expiration_date of "Coupon" is of the type text"#)
                try await flask.run(#"drop table user_coupon"#)
                await refused(flask.url, 64, "there is no table user_coupon in")
            }
            try await FlaskDatabase.withShop { flask in
                try await flask.run(
                    #"create role poor login password 's3cret'; grant select on "User", "Coupon" to poor"#
                )
                let url = flask.url.replacing(/\/\/[^@]*@/, with: "//poor:s3cret@")
                await refused(url, 1, "permission denied for table user_coupon")
                await refused(url, 1, "needs SELECT on")
                try await flask.run("drop owned by poor; drop role poor")
                try await withDatabase { empty in
                    var environment = product.environment
                    environment["REDEEM_POSTGRES_URL"] = empty
                    let result = await redeem("import", "flask", "--from", flask.url, environment: environment)
                    #expect(result.status == 1)
                    #expect(result.output.contains("run: redeem migrate"))
                }
            }
        }
    }

    /// A date is the last day; a moment without a time zone is UTC's, whatever the zone of the database.
    @Test(arguments: [
        ("date", "2030-06-01", "2030-06-02T00:00:00Z"), ("timestamp", "2030-06-01 12:00", "2030-06-01T12:00:00Z"),
        ("timestamptz", "2030-06-01 12:00+02", "2030-06-01T10:00:00Z"), ("timestamptz", "infinity", "-"),
        ("date", "-infinity", "1970-01-01T00:00:00Z"), ("date", "1969-05-01", "1970-01-01T00:00:00Z"),
        ("date", "5874897-12-31", "-"), ("timestamp", "infinity", "-"),
        ("date", "9999-12-31", "10000-01-01T00:00:00Z"),
    ])
    func ends(type: String, there: String, here: String) async throws {
        var types = FlaskDatabase.Types()
        types.expiration = type
        try await Product.with { product in
            try await FlaskDatabase.with(types) { flask in
                try await flask.run(
                    """
                    insert into "Coupon" values (1, 'X', 1, true, 'X', 1, '\(there)');
                    do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$
                    """
                )
                _ = try await product.importFlask(flask, status: 0)
                let shown = try await product.run("coupon", "show", "x-1")
                #expect(shown.split(separator: "\n").last?.hasSuffix(" \(here)") == true, "\(shown)")
            }
        }
    }
}

/// What `redeem import flask --json` printed.
struct FlaskReport {
    private let object: [String: Any]

    init(_ output: String) throws {
        object = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output)")
    }

    subscript(_ name: String) -> Any? { object[name] }

    /// Read, imported, already here, skipped.
    func counts(_ table: String) -> [Int?] {
        let counts = object[table] as? [String: Int]
        return ["read", "imported", "already_here", "skipped"].map { counts?[$0] }
    }

    /// `kind count: example | example`
    var findings: [String] {
        (object["findings"] as? [[String: Any]] ?? []).map { finding in
            let examples = (finding["examples"] as? [String] ?? []).joined(separator: " | ")
            return "\(finding["kind"] ?? "") \(finding["count"] ?? ""): \(examples)"
        }
    }
}

extension Product {
    var database: String { environment["REDEEM_POSTGRES_URL"] ?? "" }

    func importFlask(_ flask: FlaskDatabase, _ flags: String..., status: Int32) async throws -> FlaskReport {
        let arguments = ["import", "flask", "--from", flask.url, "--json"] + flags
        let process = RedeemProcess(arguments, environment: environment)
        #expect(await process.exitStatus() == status, "\(process.output)")
        return try FlaskReport(process.output)
    }

    /// Waits until Redis knows all that operators did.
    func applied() async throws {
        let last = try await texts("select max(seq)::text from control_log", at: database)[0]
        try await inRedis { client in
            try await until("Redis has got to \(last)") {
                let status = try await HotPath(client: client).stores[0].status()
                return status.scriptsLoaded && status.control.map(String.init) == last
            }
        }
    }

    /// All of the rows of the tables that an import writes.
    func fingerprint() async throws -> [String] {
        var rows: [String] = []
        for table in [
            "users", "coupons", "redemptions", "credit_grants", "control_log", "quarantine", "imported_users", "imported_coupons",
        ] {
            rows += try await texts("select '\(table) ' || rows::text from \(table) rows order by 1", at: database)
        }
        return rows
    }
}

extension API {
    /// What the caller can spend.
    func credit(_ token: String) async throws -> Int? {
        (try await send(.GET, "/v1/me", token: token)["credit"] as? [String: Any])?["available"] as? Int
    }
}
