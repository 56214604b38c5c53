internal import Domain

/// The part of a history that shows a violation: the attempts that it concerns, and the faults of that time.
struct Window: Sendable, CustomStringConvertible {
    private static let linesAtMost = 40

    let description: String

    init(_ violation: Violation, in history: History) {
        var lines: [(at: Moment, text: String)] = violation.attempts.map { place in
            let attempt = history.attempts[place]
            return (attempt.started, Window.line(attempt))
        }
        let first = violation.attempts.map { history.attempts[$0].started }.min()
        let last = violation.attempts.map { history.attempts[$0].ended }.max()
        if let first, let last {
            for fault in history.faults where fault.began <= last && fault.healed.map({ $0 >= first }) != false {
                lines.append((fault.began, "fault \(fault.fault.rawValue): \(fault.proof ?? "no proof")"))
            }
        }
        lines.sort { $0.at < $1.at }
        let origin = lines.first?.at.microseconds ?? 0
        var texts = lines.map { line in
            "    \(Window.milliseconds(line.at.microseconds - origin))  \(line.text)"
        }
        if texts.count > Window.linesAtMost {
            let half = Window.linesAtMost / 2
            texts = texts.prefix(half) + ["    … \(texts.count - 2 * half) more …"] + texts.suffix(half)
        }
        description = (["\(violation.rule.rawValue): \(violation.text)"] + texts).joined(separator: "\n")
    }

    private static func line(_ attempt: Attempt) -> String {
        let took = milliseconds(attempt.ended.microseconds - attempt.started.microseconds)
        let what =
            switch attempt.what {
            case .redeem(let user, let coupon, let key, let session):
                "redeem user \(user) coupon \(coupon) key \(key) session \(session)"
            case .guess(let user, let coupon, let key, let session):
                "wrong code user \(user) coupon \(coupon) key \(key) session \(session)"
            case .login(let user): "login user \(user)"
            case .refresh(let session, let token): "refresh session \(session) token \(String(token, radix: 36))"
            case .revoke(let session): "revoke session \(session)"
            case .revokeAll(let user): "revoke all of user \(user)"
            case .operate(let operation, let number): "operation \(number): \(operation)"
            }
        let outcome =
            switch attempt.outcome {
            case .redeemed(let id, let replayed): "\(replayed ? "replayed" : "accepted") \(id)"
            case .session(let session): "session \(session)"
            case .token(let token): "token \(String(token, radix: 36))"
            case .done: "done"
            case .refused(let code, let id): code + (id.map { " \($0)" } ?? "")
            case .unknown(let reason): "unknown (\(reason))"
            }
        return "server \(attempt.server)  \(what) → \(outcome) after \(took)"
    }

    /// A time such as `12.3 ms`.
    private static func milliseconds(_ microseconds: Int64) -> String {
        "\(microseconds / 1000).\(abs(microseconds) % 1000 / 100) ms"
    }
}
