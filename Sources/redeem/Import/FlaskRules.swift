internal import Credentials
internal import Domain
internal import Persistence
internal import Terminal

/// Decides about each row of a Flask service. A row is taken over as it is or not at all, and then the report says why. Ids are
/// computed from the ids there, so that a second run finds the rows of the first.
struct FlaskRules: Sendable {
    let digester: CodeDigester

    /// The user; `nil` if the row has no id. A row with other faults gives a user without an account.
    func user(_ row: FlaskUser, _ report: inout ImportReport) -> StagedUser? {
        guard let source = row.id else {
            report.note(.userInvalid, "a user without an id")
            return nil
        }
        return StagedUser(source: source, id: FlaskRules.user(source), account: account(row, source, &report))
    }

    private func account(_ row: FlaskUser, _ source: String, _ report: inout ImportReport) -> StagedUser.Account? {
        let label = FlaskRules.label("user", source, row.username)
        guard let username = row.username, Username.isValid(username) else {
            report.note(.userInvalid, "\(label): not a username; usernames are \(Username.rule)")
            return nil
        }
        let name = FlaskRules.nonEmpty(row.name) ?? username
        if let fault = FlaskRules.fault(of: name, .name) {
            report.note(.userInvalid, "\(label): the name \(fault.words)")
            return nil
        }
        let credit = row.credit.map(WholeNumber.parse) ?? 0
        guard let credit, credit <= Limits.amount else {
            report.note(
                .userInvalid,
                "\(label): the credit '\(FlaskRules.shown(row.credit))' is not a whole number up to \(Limits.amount)"
            )
            return nil
        }
        if credit < 0 || row.credit == nil {
            report.note(.creditChanged, "\(label) has \(row.credit == nil ? "no credit" : "\(credit)") there, which counts as 0")
        }
        let password = row.password.flatMap { PasswordHasher.canCheck($0) ? $0 : nil }
        return StagedUser.Account(
            username: username,
            name: name,
            passwordHash: password ?? StagedUser.Account.noPassword,
            credit: max(credit, 0)
        )
    }

    /// The coupon; `nil` if it is not taken over. Its id here depends on the other coupons, so `FlaskCoupons` decides that.
    func coupon(_ row: FlaskCoupon, _ report: inout ImportReport) -> (source: String, coupon: Coupon, left: Int, label: String)? {
        func refused(_ reason: String) -> (source: String, coupon: Coupon, left: Int, label: String)? {
            report.note(.couponInvalid, "\(FlaskRules.label("coupon", row.id ?? "without an id", row.name)): \(reason)")
            return nil
        }
        guard let source = row.id, let id = CouponSlug.id(name: row.name, source: source) else {
            return refused("its id is not a number")
        }
        let name = FlaskRules.nonEmpty(row.name) ?? id.description
        if let fault = FlaskRules.fault(of: name, .name) { return refused("the name \(fault.words)") }
        guard let price = row.value.flatMap(WholeNumber.parse), (0...Limits.amount).contains(price) else {
            return refused("the value '\(FlaskRules.shown(row.value))' is not a whole number from 0 to \(Limits.amount)")
        }
        guard let code = row.hiddenCode, !code.isEmpty else { return refused("no hidden code") }
        if let fault = FlaskRules.fault(of: code, .hiddenCode) { return refused("the hidden code \(fault.words)") }
        guard let left = row.numberLeft.flatMap(WholeNumber.parse), left <= Limits.amount else {
            return refused("number_left '\(FlaskRules.shown(row.numberLeft))' is not a whole number up to \(Limits.amount)")
        }
        guard let state = FlaskRules.state(row.active) else {
            return refused("active is '\(FlaskRules.shown(row.active))', neither true nor false")
        }
        let coupon = Coupon(
            id: id,
            name: name,
            codeDigest: digester.digest(of: code),
            price: price,
            total: 0,
            endsAt: row.ends.flatMap(FlaskRules.end),
            state: state
        )
        return (source, coupon, left, FlaskRules.label("coupon", source, row.name))
    }

    // MARK: Ids

    static func user(_ source: String) -> UserID {
        UserID(uuid: uuid("flask|user|\(source)"))
    }

    static func redemption(user: String, coupon: String) -> RedemptionID {
        RedemptionID(uuid: uuid("flask|use|\(user)|\(coupon)"))
    }

    private static func uuid(_ text: String) -> UUIDv7 {
        UUIDv7(milliseconds: UUIDv7.importedMilliseconds, tail: UUIDv7.Tail(digestOf: text))
    }

    // MARK: Values

    /// Python takes NULL for false.
    private static func state(_ active: String?) -> Coupon.State? {
        switch active?.lowercased() {
        case "true", "t", "1": .active
        case "false", "f", "0", nil: .paused
        default: nil
        }
    }

    /// Redis knows moments from 1970 on, and exact ones up to 2^53. An earlier end is in the past all the same, and a later one
    /// is no end.
    private static func end(_ milliseconds: Int) -> Timestamp? {
        milliseconds > Limits.amount ? nil : Timestamp(milliseconds: Int64(max(0, milliseconds)))
    }

    private static func fault(of text: String, _ rule: TextRule) -> TextFault? {
        do {
            _ = try rule.read(text)
            return nil
        } catch {
            return error
        }
    }

    /// A name of blanks counts as none.
    private static func nonEmpty(_ text: String?) -> String? {
        text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    }

    static func label(_ kind: String, _ source: String, _ name: String?) -> String {
        "\(kind) \(shown(source)) '\(shown(name))'"
    }

    /// The beginning of a text, on one line.
    private static func shown(_ text: String?) -> String { Printable.text(String((text ?? "").prefix(80))) }
}
