internal import Domain
internal import LoadGenerator
internal import Synchronization

/// The clients of a run: their tokens, their requests and the answers that they got. The load's threads, the operators and the
/// nemesis share it.
final class TortureWorld: Sendable {
    /// The one user who may end the sessions of others.
    static let admin = 0
    static let password = "correct horse"
    /// The credit that a user begins with.
    static let credit = 150

    static func username(_ number: Int) -> String { "user-\(number)" }
    static func code(_ coupon: Int) -> String { "CODE-\(coupon)" }

    /// A request that has no answer yet.
    struct Pending {
        let what: Attempt.What
        let server: Int
        let started: Moment
    }

    struct Client {
        /// `nil`: the client must log in.
        var login: Login?
        var isLoggingIn = false
    }

    struct Login {
        let session: Int
        var access: [UInt8]
        var refresh: [UInt8]
        /// Tokens that were exchanged for the one above, with the latest last.
        var older: [[UInt8]] = []
        var mustRefresh = false
    }

    /// A redemption that was asked for, once or several times: all requests with one idempotency key.
    struct Key {
        let user: Int
        let coupon: Int
        /// `true`: a request with the key has no answer, and no later answer has told its outcome.
        var isOpen = false
    }

    /// A session that ended, and a token of it that must be refused now.
    struct Ended {
        let user: Int
        let session: Int
        let access: [UInt8]
    }

    struct State {
        var history: History
        var clients: [Client]
        var keys: [Key] = []
        var pending: [Int: Pending] = [:]
        var tags = 0
        /// Keys that will be asked again, and when.
        var retries: [(due: Moment, key: Int)] = []
        /// The sessions that ended last.
        var ended: [Ended] = []
        var random: SplitMix64
        /// The numbers of coupons that were announced.
        var onSale: [Int] = []
        /// The moment from which decisions count, and the moment of each server's first one.
        var watchedSince: Moment?
        var decided: [Int: Moment] = [:]
        /// Keys that are still to be cleared up; `nil` until the end of the run has begun.
        var unresolved: [Int]?
        var operations = 0
        /// Whether operators must rest, and whether one is in the middle of an operation.
        var operatorsRest = false
        var isOperating = false
        /// Attempts so far whose outcome is unknown, and redemptions that were accepted.
        var unknown = 0
        var accepted = 0
    }

    let state: Mutex<State>
    let seed: UInt64

    init(users: [UserID], credit: Int, seed: UInt64) {
        self.seed = seed
        state = Mutex(
            State(
                history: History(users: users, credit: credit, coupons: []),
                clients: Array(repeating: Client(), count: users.count),
                random: SplitMix64(seed: seed)
            )
        )
    }

    var history: History { state.withLock { $0.history } }

    /// How many requests were answered or given up, how many of them have an unknown outcome, and how many were accepted.
    var counts: (requests: Int, unknown: Int, accepted: Int) {
        state.withLock { state in (state.history.attempts.count, state.unknown, state.accepted) }
    }

    /// Notes from now on when servers decide redemptions.
    func watch() -> Moment {
        let now = Moment.now()
        state.withLock { state in
            state.watchedSince = now
            state.decided = [:]
        }
        return now
    }

    /// The moment when the last server gave its first decision since `watch`; `nil` if a server has given none.
    func allDecided(servers: Int) -> Moment? {
        state.withLock { $0.decided.count < servers ? nil : $0.decided.values.max() }
    }

    func add(_ record: FaultRecord) { state.withLock { $0.history.faults.append(record) } }

    func add(drift: [String]) { state.withLock { $0.history.drift += drift } }

    func add(_ sighting: CursorSighting) {
        state.withLock { state in
            // A cursor that has not moved is not kept, to save memory.
            if state.history.cursors.last?.cursor != sighting.cursor { state.history.cursors.append(sighting) }
        }
    }

    func add(_ attempt: Attempt) { state.withLock { $0.record(attempt) } }

    /// Begins the end of a run: keys whose requests have no answer are asked again until an answer tells their outcome.
    func beginResolving() -> Int {
        state.withLock { state in
            let open = state.keys.indices.filter { state.keys[$0].isOpen }
            state.unresolved = open
            state.retries = []
            return open.count
        }
    }
}

extension TortureWorld.State {
    /// Refusals that the script has decided, and those that tell the script's state.
    private static let decisions: Set<String> = [
        "already_redeemed", "sold_out", "insufficient_credit", "coupon_paused", "wrong_code", "session_revoked",
        "too_many_attempts",
    ]

    private static func isDecision(_ attempt: Attempt) -> Bool {
        switch attempt.what {
        case .redeem, .guess:
            switch attempt.outcome {
            case .redeemed: true
            case .refused(let code, _): decisions.contains(code)
            case .session, .token, .done, .unknown: false
            }
        case .login, .refresh, .revoke, .revokeAll, .operate: false
        }
    }

    mutating func record(_ attempt: Attempt) {
        history.attempts.append(attempt)
        if attempt.outcome.isUnknown { unknown += 1 }
        if case .redeemed(_, replayed: false) = attempt.outcome { accepted += 1 }
        if TortureWorld.State.isDecision(attempt), let since = watchedSince, attempt.started > since,
            decided[attempt.server] == nil
        {
            decided[attempt.server] = attempt.ended
        }
    }
}

extension Moment {
    func advanced(milliseconds: Int) -> Moment { Moment(microseconds: microseconds + Int64(milliseconds) * 1000) }
}

extension TortureWorld {
    static func couponID(_ number: Int) -> CouponID {
        guard let id = CouponID("torture-\(number)") else { preconditionFailure("torture-\(number) is not a coupon id") }
        return id
    }
}
