internal import Domain
internal import Foundation

/// Checks of what people type: the value that was given, what it should be.
enum Input {
    static func couponID(_ text: String) throws -> CouponID {
        guard let id = CouponID(text) else {
            throw UsageError("'\(text.prefix(80))' is not a coupon id", remedy: "use \(CouponID.rule)")
        }
        return id
    }

    static func sessionID(_ text: String) throws -> SessionID {
        guard let id = SessionID(text) else {
            throw UsageError("'\(text.prefix(80))' is not a session id", remedy: "`redeem session list USER` shows them")
        }
        return id
    }

    static func quarantineID(_ text: String) throws -> Int {
        guard let id = Int(text), id >= 1 else {
            throw UsageError("'\(text.prefix(80))' is not an id of quarantine", remedy: "`redeem quarantine list` shows them")
        }
        return id
    }

    static func username(_ text: String) throws -> String {
        guard Username.isValid(text) else {
            throw UsageError("'\(text.prefix(80))' is not a username", remedy: "use \(Username.rule)")
        }
        return text
    }

    static func name(_ text: String) throws -> String {
        guard !text.isEmpty, text.utf8.count <= Limits.nameBytes, !text.contains(where: \.isNewline) else {
            throw UsageError(
                "the name '\(text.prefix(80))' is empty or too long",
                remedy: "use 1 to \(Limits.nameBytes) bytes on one line"
            )
        }
        return text
    }

    static func password(_ text: String?) throws -> String {
        let rule = "use \(Limits.passwordCharactersLeast) characters to \(Limits.passwordBytes) bytes"
        guard let text else {
            throw UsageError("no password was given", remedy: "give --password-stdin and the password on standard input")
        }
        guard text.count >= Limits.passwordCharactersLeast else {
            throw UsageError("the password has \(text.count) characters", remedy: rule)
        }
        guard text.utf8.count <= Limits.passwordBytes else {
            throw UsageError("the password has \(text.utf8.count) bytes", remedy: rule)
        }
        return text
    }

    static func hiddenCode(_ text: String?) throws -> String {
        guard let text, !text.isEmpty else {
            throw UsageError(
                "no hidden code was given",
                remedy: "give --code CODE, or --code-stdin and the code on standard input"
            )
        }
        guard text.utf8.count <= Limits.codeBytes else {
            throw UsageError("the hidden code has \(text.utf8.count) bytes", remedy: "use at most \(Limits.codeBytes)")
        }
        return text
    }

    static func amount(_ number: Int, _ what: String, least: Int = 0) throws -> Int {
        guard (least...Limits.amount).contains(number) else {
            throw UsageError("\(what) \(number) is out of range", remedy: "use \(least) to \(Limits.amount) (2^53 - 1)")
        }
        return number
    }

    static func role(_ text: String) throws -> Role {
        guard let role = Role(rawValue: text) else {
            throw UsageError("'\(text)' is not a role", remedy: "use \(Role.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return role
    }

    /// RFC 3339 in, with or without fractions of a second.
    static func moment(_ text: String, _ what: String) throws -> Timestamp {
        guard let moment = Timestamp(rfc3339: text) else {
            throw UsageError("\(what) '\(text.prefix(80))' is not a moment", remedy: "write it as 2030-06-01T10:00:00Z")
        }
        return moment
    }

    static func text(_ moment: Timestamp) -> String {
        Date(timeIntervalSince1970: Double(moment.milliseconds) / 1000).formatted(.iso8601)
    }

    /// The first line of standard input, without its end.
    static func line() -> String? {
        readLine(strippingNewline: true)
    }
}
