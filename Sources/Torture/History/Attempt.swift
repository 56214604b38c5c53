internal import Domain
internal import Glibc

/// A moment of the wall clock, in microseconds of Unix time: Redis's clock, which is in the ids of redemptions, is the same
/// machine's.
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

    /// In whole milliseconds, rounded down as Redis does it.
    var milliseconds: Int64 { microseconds / 1000 }
}

/// One request as its client saw it, from before it was sent until the answer was there or given up.
///
/// Users, coupons, sessions and keys are numbers that the history gives them: place in a list, from 0.
struct Attempt: Hashable, Sendable {
    let what: What
    /// Which server was asked; operators ask none.
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
        /// `key` is the idempotency key: attempts of one key are the same request.
        case redeem(user: Int, coupon: Int, key: Int, session: Int)
        /// With a code that is not the coupon's.
        case guess(user: Int, coupon: Int, key: Int, session: Int)
        case login(user: Int)
        /// `token` stands for the refresh token presented.
        case refresh(session: Int, token: UInt64)
        /// Ends one session: a log-out, or a token revoked.
        case revoke(session: Int)
        /// Ends all sessions that the user has, by an operator.
        case revokeAll(user: Int)
        /// What operators do, each with a number of its own.
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
        /// A login's session.
        case session(Int)
        /// A refresh's next token.
        case token(UInt64)
        case done
        /// Answered: nothing was changed. With the redemption that an `already_redeemed` names.
        case refused(String, RedemptionID? = nil)
        /// No answer, or one that says that it is not known.
        case unknown(String)
    }

    /// How reports call its kind.
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
    /// How reports call it.
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
