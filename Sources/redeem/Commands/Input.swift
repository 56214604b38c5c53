internal import Domain
internal import Foundation
internal import Terminal

/// Checks of texts that people type. An error names the input, says what is wrong and what is expected, and never repeats a text
/// that may be secret.
enum Input {
    private static func quoted(_ text: String) -> String { ArgumentSecrets.ofThisProcess.quoted(text) }

    static func couponID(_ text: String) throws -> CouponID {
        guard let id = CouponID(text) else {
            throw UsageError("\(quoted(text)) is not a coupon id", remedy: "use \(CouponID.rule)")
        }
        return id
    }

    static func sessionID(_ text: String) throws -> SessionID {
        guard let id = SessionID(text) else {
            throw UsageError("\(quoted(text)) is not a session id", remedy: "`redeem session list USER` shows them")
        }
        return id
    }

    static func quarantineID(_ text: String) throws -> Int {
        guard let id = Int(text), id >= 1 else {
            throw UsageError("\(quoted(text)) is not an id of quarantine", remedy: "`redeem quarantine list` shows them")
        }
        return id
    }

    static func username(_ text: String) throws -> String {
        guard Username.isValid(text) else {
            throw UsageError("\(quoted(text)) is not a username", remedy: "use \(Username.rule)")
        }
        return text
    }

    /// - Parameter name: of the flag or column that the text came by.
    static func text(_ text: String, _ rule: TextRule, _ name: String) throws -> String {
        do {
            return try rule.read(text)
        } catch {
            throw UsageError("\(name) \(error.words)", remedy: error.remedy)
        }
    }

    static func name(_ text: String) throws -> String { try self.text(text, .name, "--name") }

    static func reason(_ text: String) throws -> String { try self.text(text, .reason, "--reason") }

    /// Reads a password from standard input if `--password-stdin` was given.
    static func password(stdin: Bool) throws -> String {
        guard stdin, let line = try StandardInput.line() else {
            throw UsageError("no password was given", remedy: "give --password-stdin and the password on standard input")
        }
        return try text(line, .password, "the password on standard input")
    }

    static func hiddenCode(_ flag: String?, stdin: Bool) throws -> String {
        guard !stdin || flag == nil else {
            throw UsageError("--code and --code-stdin exclude each other", remedy: "give one of them")
        }
        guard let code = stdin ? try StandardInput.line() : flag else {
            throw UsageError(
                "no hidden code was given",
                remedy: "give --code CODE, or --code-stdin and the code on standard input"
            )
        }
        return try text(code, .hiddenCode, stdin ? "the code on standard input" : "--code")
    }

    static func amount(_ number: Int, _ what: String, least: Int = 0) throws -> Int {
        guard (least...Limits.amount).contains(number) else {
            throw UsageError("\(what) \(number) is out of range", remedy: "use \(least) to \(Limits.amount) (2^53 - 1)")
        }
        return number
    }

    static func role(_ text: String) throws -> Role {
        guard let role = Role(rawValue: text) else {
            throw UsageError(
                "\(quoted(text)) is not a role",
                remedy: "use \(Role.allCases.map(\.rawValue).joined(separator: " or "))"
            )
        }
        return role
    }

    /// Reads a moment in the form of RFC 3339, with or without fractions of a second.
    static func moment(_ text: String, _ what: String) throws -> Timestamp {
        guard let moment = Timestamp(rfc3339: text) else {
            throw UsageError("\(what) \(quoted(text)) is not a moment", remedy: "write it as 2030-06-01T10:00:00Z")
        }
        return moment
    }
}
