import Credentials
import Domain
import Persistence
import TestSupport
import Testing

@testable import redeem

/// What becomes of one row of a Flask service.
@Suite struct FlaskRulesTests {
    private let rules = FlaskRules(digester: CodeDigester(key: ServiceKey(bytes: Array(repeating: 7, count: 32))!))

    @Test(arguments: [
        ("0", 0), ("12", 12), ("-3", -3), ("+4", 4), ("12.00", 12), ("0.0", 0), ("-0.00", 0), ("1e3", 1_000), ("1.5e1", 15),
        ("9.007199254740991e+15", 9_007_199_254_740_991), ("9223372036854775807", Int.max), ("0e99", 0), ("1000e-3", 1),
        ("007", 7),
    ])
    func wholeNumbersOfAnyColumnType(text: String, number: Int) {
        #expect(WholeNumber.parse(text) == number)
    }

    @Test(arguments: [
        "", "-", ".", ".5", "12.5", "1.25e1", "1e-1", "NaN", "Infinity", "$12.00", "1,000", "1e", "1e+", "9223372036854775808",
        "1e19", "1e99999", "1e999999999999", " 1", "1 ", "--1", "0x10", "١",
    ])
    func otherTextsAreNoWholeNumbers(text: String) {
        #expect(WholeNumber.parse(text) == nil)
    }

    @Test(arguments: [
        ("Summer Gala!", "7", "summer-gala-7"), ("  Grün & Blau  ", "12", "grun-blau-12"), ("世界", "3", "coupon-3"),
        ("", "4", "coupon-4"), ("Straße", "5", "stra-e-5"), ("--x--", "6", "x-6"), ("A_B", "8", "a-b-8"),
        (String(repeating: "long ", count: 40), "123", String(repeating: "long-", count: 12) + "123"),
    ])
    func couponIDs(name: String, source: String, id: String) {
        #expect(CouponSlug.id(name: name, source: source)?.description == id)
    }

    @Test func aCouponIDHasItsNumberHoweverLongTheName() {
        let ids = (0..<70).map { CouponSlug.id(name: String(repeating: "x", count: $0), source: "42")?.description }
        for id in ids { #expect(id?.hasSuffix("-42") == true && (id?.utf8.count ?? 99) <= Limits.couponIDLength) }
        #expect(CouponSlug.id(name: nil, source: "a b") == nil)
        #expect(CouponSlug.id(name: "x", source: String(repeating: "1", count: 64)) == nil)
    }

    @Test func idsFollowFromTheIdsThere() {
        #expect(FlaskRules.user("7") == FlaskRules.user("7"))
        #expect(FlaskRules.user("7") != FlaskRules.user("8"))
        #expect(FlaskRules.user("7").uuid.milliseconds == 0)
        #expect(FlaskRules.redemption(user: "7", coupon: "1") == FlaskRules.redemption(user: "7", coupon: "1"))
        #expect(FlaskRules.redemption(user: "7", coupon: "11") != FlaskRules.redemption(user: "71", coupon: "1"))
        // Another id than ever before would import everything a second time.
        #expect(FlaskRules.user("1").description == "00000000-0000-7212-9cc1-51ab6bf5834a")
    }

    private func user(
        id: String? = "7",
        username: String? = "jo",
        name: String? = "Jo",
        password: String? = WerkzeugHashes.scrypt.stored,
        credit: String? = "5"
    ) -> (staged: StagedUser?, report: ImportReport) {
        var report = ImportReport()
        let row = FlaskUser(id: id, username: username, name: name, password: password, credit: credit)
        return (rules.user(row, &report), report)
    }

    @Test func aUserIsTakenAsItIs() {
        let (staged, report) = user()
        #expect(report.isClean)
        let account = StagedUser.Account(
            username: "jo",
            name: "Jo",
            passwordHash: WerkzeugHashes.scrypt.stored,
            credit: 5
        )
        #expect(staged == StagedUser(source: "7", id: FlaskRules.user("7"), account: account))
        #expect(user(name: nil).staged?.account?.name == "jo")
        #expect(user(name: "").staged?.account?.name == "jo")
        #expect(user(credit: "9007199254740991").staged?.account?.credit == Limits.amount)
    }

    @Test func aUserThatCannotBeIsSkippedAndNamed() {
        for (staged, report) in [
            user(username: nil), user(username: ""), user(username: "jo doe"), user(username: "-jo"),
            user(username: String(repeating: "j", count: 65)), user(name: String(repeating: "ä", count: 101)),
            user(name: "two\nlines"), user(credit: "12.5"), user(credit: "NaN"), user(credit: "9007199254740992"),
            user(credit: "-1.5"),
        ] {
            #expect(staged?.account == nil && staged?.source == "7")
            #expect(report.findings.map(\.kind) == [.userInvalid])
            #expect(report.findings[0].examples[0].hasPrefix("user 7 '"))
        }
        #expect(user(id: nil).staged == nil)
    }

    @Test func aUserWithoutAPasswordOrWithADebtIsTaken() {
        for password in [nil, "", "sesame", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "sha1$x$0"] {
            let (staged, report) = user(password: password)
            #expect(staged?.account?.passwordHash == "!")
            #expect(report.isClean)
        }
        let debt = user(credit: "-3.00")
        #expect(debt.staged?.account?.credit == 0)
        #expect(debt.report.findings.map(\.examples) == [["user 7 'jo' has -3 there, which counts as 0"]])
        #expect(user(credit: nil).report.findings.map(\.examples) == [["user 7 'jo' has no credit there, which counts as 0"]])
        #expect(user(credit: "0").report.isClean)
    }

    private func coupon(
        id: String? = "3",
        name: String? = "Tea",
        value: String? = "10",
        active: String? = "true",
        code: String? = "TEA",
        left: String? = "4",
        ends: Int? = nil
    ) -> (coupon: Coupon?, left: Int?, report: ImportReport) {
        var report = ImportReport()
        let row = FlaskCoupon(
            id: id,
            name: name,
            value: value,
            active: active,
            hiddenCode: code,
            numberLeft: left,
            ends: ends
        )
        let result = rules.coupon(row, &report)
        return (result?.coupon, result?.left, report)
    }

    @Test func aCouponIsTakenAsItIs() {
        let tea = coupon(ends: 1_700_000_000_000)
        #expect(tea.report.isClean)
        #expect(tea.coupon?.id == CouponID("tea-3"))
        #expect(tea.coupon?.name == "Tea")
        #expect(tea.coupon?.codeDigest == rules.digester.digest(of: "TEA"))
        #expect(tea.coupon?.price == 10)
        #expect(tea.coupon?.state == .active)
        #expect(tea.coupon?.endsAt == Timestamp(milliseconds: 1_700_000_000_000))
        #expect(tea.left == 4)
        #expect(coupon(name: nil).coupon?.name == "coupon-3")
        #expect(coupon(value: "10.00").coupon?.price == 10)
        #expect(coupon(left: "-2").left == -2)
        for active in ["false", "f", "0", nil] { #expect(coupon(active: active).coupon?.state == .paused) }
        // Redis takes no moment before 1970.
        #expect(coupon(ends: -5).coupon?.endsAt == Timestamp(milliseconds: 0))
        #expect(coupon(ends: 1 << 60).coupon?.endsAt == .some(nil))
    }

    @Test func aCouponThatCannotBeIsSkippedAndNamed() {
        for result in [
            coupon(id: nil), coupon(name: "two\nlines"), coupon(name: String(repeating: "x", count: 201)), coupon(value: nil),
            coupon(value: "-1"), coupon(value: "9.99"), coupon(value: "9007199254740992"), coupon(active: "maybe"),
            coupon(code: nil), coupon(code: ""), coupon(code: String(repeating: "ä", count: 65)), coupon(left: nil),
            coupon(left: "many"), coupon(left: "9007199254740992"),
        ] {
            #expect(result.coupon == nil)
            #expect(result.report.findings.map(\.kind) == [.couponInvalid])
            #expect(result.report.findings[0].examples.allSatisfy { $0.hasPrefix("coupon ") && !$0.contains("\n") })
        }
    }
}
