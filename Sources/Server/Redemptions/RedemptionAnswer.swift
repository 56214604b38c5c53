import Domain
import HotPath
import RedisClient

/// The answer to a redemption, the same whether the client named the coupon or only its code.
enum RedemptionAnswer: Hashable, Sendable {
    /// The durability is the promise of the answer.
    case redeemed(Redemption, replayed: Bool, Durability)
    case refused(Problem)

    /// `nil`: more has to be found out first.
    init?(_ reply: RedeemReply, durability: Durability) {
        switch reply {
        case .accepted(let redemption): self = .redeemed(redemption, replayed: false, durability)
        case .replayed(let redemption): self = .redeemed(redemption, replayed: true, durability)
        case .alreadyRedeemed(let id):
            self = .refused(Problem(.alreadyRedeemed, member: Problem.Member(name: "redemption", value: id.description)))
        case .soldOut: self = .refused(Problem(.soldOut))
        case .insufficientCredit: self = .refused(Problem(.insufficientCredit))
        case .wrongCode: self = .refused(Problem(.wrongCode))
        case .tooManyAttempts(let seconds): self = .refused(Problem(.tooManyAttempts, retryAfter: seconds))
        case .couponNotStarted(let start):
            self = .refused(Problem(.couponNotStarted, member: Problem.Member(name: "starts_at", value: start.rfc3339)))
        case .couponPaused: self = .refused(Problem(.couponPaused))
        case .couponEnded: self = .refused(Problem(.couponEnded))
        case .sessionRevoked: self = .refused(Problem(.sessionRevoked))
        case .backlogFull: self = .refused(Problem(.backlogFull))
        case .couponNotLoaded, .userNotLoaded: return nil
        }
    }

    /// The outcome, as metrics and the log name it.
    var outcome: String {
        switch self {
        case .redeemed(_, replayed: false, _): RedeemCode.accepted.rawValue
        case .redeemed(_, replayed: true, _): RedeemCode.replayed.rawValue
        case .refused(let problem): problem.code.rawValue
        }
    }
}

extension RedemptionAnswer {
    /// The header fields of an answer that accepts a redemption, beside those of every answer.
    static func forEachHeader(location: String, replayed: Bool, _ body: (_ name: String, _ value: String) -> Void) {
        body("Content-Type", MediaType.json)
        body("Cache-Control", "no-store")
        if replayed { body("Idempotent-Replayed", "true") }
        body("Location", "/v1/redemptions/\(location)")
    }
}

extension Problem {
    /// The problem of a failed write. If the write may have happened, its outcome is unknown; it is never told as failed.
    init(write error: RedisError) {
        if error.outcomeIsUnknown {
            self.init(.outcomeUnknown)
        } else if let code = error.refusal {
            self.init(code)
        } else {
            // An error from within a script, which may have written before it.
            self.init(.outcomeUnknown)
        }
    }

    /// The problem of a failed read.
    init(read error: RedisError) {
        self.init(error.refusal ?? .redisUnavailable)
    }
}

extension RedisError {
    /// The first words of the errors by which Redis refuses a command before it has done anything.
    private static let refusals: Set<String> = [
        "OOM", "LOADING", "READONLY", "MISCONF", "NOAUTH", "NOPERM", "WRONGPASS", "BUSY", "NOREPLICAS", "MASTERDOWN",
        "CLUSTERDOWN",
    ]

    /// The problem's code, if Redis refused the command as a whole. `nil`: that is not known.
    fileprivate var refusal: ProblemCode? {
        switch code {
        case .notConnected, .closed, .connectionLost, .protocolViolation: .redisUnavailable
        case .pendingLimitReached: .overloaded
        // The command waited for its turn too long, and was not sent.
        case .deadlineExceeded where !outcomeIsUnknown: .overloaded
        case .serverError where isShardClosed || isSlotAway: .shardClosed
        case .serverError: serverPrefix.map(RedisError.refusals.contains) == true ? .redisUnavailable : nil
        default: nil
        }
    }
}
