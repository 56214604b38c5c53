internal import Domain
internal import Glibc

/// A moment of the wall clock, in microseconds since 1970. The ids of redemptions are by Redis's clock, which is that of the same
/// machine.
struct Moment: Hashable, Sendable, Comparable, Codable {
    let microseconds: Int64

    init(microseconds: Int64) { self.microseconds = microseconds }

    static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    init(_ timestamp: Timestamp) { microseconds = timestamp.milliseconds * 1000 }

    static func < (left: Moment, right: Moment) -> Bool { left.microseconds < right.microseconds }

    /// Whole milliseconds, rounded down as Redis does it.
    var milliseconds: Int64 { microseconds / 1000 }
}

/// One request as its client saw it: from before it was sent until it was answered or given up.
///
/// Users, coupons, sessions and keys are numbers, which are their places in the lists of the history, from 0.
struct Attempt: Hashable, Sendable {
    let what: What
    /// The server that was asked. Operators ask none.
    let server: Int
    let started: Moment
    let ended: Moment
    let outcome: Outcome

    init(_ what: What, server: Int = 0, started: Moment, ended: Moment, _ outcome: Outcome) {
        self.what = what
        self.server = server
        self.started = started
        self.ended = ended
        self.outcome = outcome
    }

    enum What: Hashable, Sendable {
        /// A redemption. Attempts with the same idempotency key `key` are the same request.
        case redeem(user: Int, coupon: Int, key: Int, session: Int)
        /// A redemption with a wrong code.
        case guess(user: Int, coupon: Int, key: Int, session: Int)
        case login(user: Int)
        /// An exchange of a refresh token. `token` is a mark that stands for it (`Attempt.mark`).
        case refresh(session: Int, token: UInt64)
        /// The end of one session, by a log-out or by a revoked token.
        case revoke(session: Int)
        /// The end of all sessions of a user, by an operator.
        case revokeAll(user: Int)
        /// An act of an operator. Each has a number of its own.
        case operate(Operation, number: Int)
    }

    enum Operation: Hashable, Sendable {
        case create(coupon: Int)
        case pause(coupon: Int)
        case resume(coupon: Int)
        case restock(coupon: Int, amount: Int)
        case grant(user: Int, amount: Int)
    }

    enum Outcome: Hashable, Sendable {
        case redeemed(RedemptionID, replayed: Bool)
        /// The session that a login began.
        case session(Int)
        /// The next token, from a refresh.
        case token(UInt64)
        case done
        /// A refusal, which changed nothing. `already_redeemed` names the redemption.
        case refused(String, RedemptionID? = nil)
        /// No answer, or an answer that says that the outcome is unknown.
        case unknown(String)
    }

    /// The kind's name in reports.
    var kind: String {
        switch what {
        case .redeem: "redeem"
        case .guess: "wrong code"
        case .login: "login"
        case .refresh: "refresh"
        case .revoke: "revoke"
        case .revokeAll: "revoke all"
        case .operate(.create, _): "create"
        case .operate(.pause, _): "pause"
        case .operate(.resume, _): "resume"
        case .operate(.restock, _): "restock"
        case .operate(.grant, _): "grant"
        }
    }
}

extension Attempt.Outcome {
    /// The outcome's name in reports.
    var name: String {
        switch self {
        case .redeemed(_, replayed: false): "accepted"
        case .redeemed(_, replayed: true): "replayed"
        case .session, .token, .done: "done"
        case .refused(let code, _): code
        case .unknown(let reason): "unknown (\(reason))"
        }
    }

    var isUnknown: Bool {
        switch self {
        case .unknown: true
        case .redeemed, .session, .token, .done, .refused: false
        }
    }
}
