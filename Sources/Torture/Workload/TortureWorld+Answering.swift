internal import Domain
internal import Foundation
internal import LoadGenerator
internal import Synchronization

/// The end of a request, as far as clients can see it.
enum TortureAnswer {
    case answer(status: Int, code: String?, members: TortureMembers)
    case failure(String)
}

/// The members of a body that are read.
struct TortureMembers {
    private static let id = JSONMember("id")
    private static let redemption = JSONMember("redemption")
    private static let session = JSONMember("session")
    private static let access = JSONMember("access_token")
    private static let refresh = JSONMember("refresh_token")

    var id: RedemptionID?
    var redemption: RedemptionID?
    var hasSession = false
    var access: [UInt8] = []
    var refresh: [UInt8] = []

    init(_ body: UnsafeRawBufferPointer) {
        id = TortureMembers.id.string(in: body).flatMap { RedemptionID(String(decoding: $0, as: UTF8.self)) }
        redemption = TortureMembers.redemption.string(in: body).flatMap { RedemptionID(String(decoding: $0, as: UTF8.self)) }
        hasSession = TortureMembers.session.string(in: body) != nil
        access = TortureMembers.access.string(in: body).map { Array($0) } ?? []
        refresh = TortureMembers.refresh.string(in: body).map { Array($0) } ?? []
    }
}

extension TortureWorld {
    func begin(_ what: Attempt.What, server: Int) -> Int {
        state.withLock { state in
            state.tags += 1
            state.pending[state.tags] = Pending(what: what, server: server, started: .now())
            return state.tags
        }
    }

    func end(_ tag: Int, _ answer: TortureAnswer) {
        let now = Moment.now()
        state.withLock { state in
            guard let pending = state.pending.removeValue(forKey: tag) else { preconditionFailure("request \(tag) ends twice") }
            state.end(pending, answer, at: now)
        }
    }
}

extension TortureWorld.State {
    /// Refusals that tell the outcome of an earlier request with the same key.
    private static let telling: Set<String> = [
        "already_redeemed", "sold_out", "insufficient_credit", "coupon_paused", "coupon_ended", "coupon_not_started",
    ]
    /// How long a client pauses before it repeats a request without an answer, in milliseconds.
    private static let pauses = 50...2_000
    private static let endedKept = 500
    private static let olderKept = 3

    mutating func end(_ pending: TortureWorld.Pending, _ answer: TortureAnswer, at now: Moment) {
        let outcome = outcome(pending, answer, at: now)
        follow(pending.what, outcome, answer)
        record(Attempt(pending.what, server: pending.server, started: pending.started, ended: now, outcome))
    }

    private mutating func outcome(
        _ pending: TortureWorld.Pending,
        _ answer: TortureAnswer,
        at now: Moment
    ) -> Attempt.Outcome {
        let (status, code, members): (Int, String?, TortureMembers)
        switch answer {
        case .failure(let reason): return .unknown(reason)
        case .answer(let answeredStatus, let answeredCode, let answeredMembers):
            (status, code, members) = (answeredStatus, answeredCode, answeredMembers)
        }
        if code == "outcome_unknown" || status == 500 || status >= 500 && code == nil {
            return .unknown(code ?? String(status))
        }
        if status >= 400 { return .refused(code ?? String(status), members.redemption) }
        switch pending.what {
        case .redeem, .guess:
            guard let id = members.id else { return .unknown("no id") }
            // The body does not say so. A redemption that was decided before the request was sent was not decided now.
            return .redeemed(id, replayed: Int64(id.uuid.milliseconds) < pending.started.milliseconds)
        case .login(let user):
            history.sessions.append(History.Session(user: user, known: now))
            return .session(history.sessions.count - 1)
        case .refresh: return .token(Attempt.mark(members.refresh))
        case .revoke, .revokeAll, .operate: return .done
        }
    }

    /// The client acts on the answer.
    private mutating func follow(_ what: Attempt.What, _ outcome: Attempt.Outcome, _ answer: TortureAnswer) {
        switch what {
        case .redeem(let user, _, let key, let session):
            followKey(key, outcome)
            if case .refused(let code, _) = outcome { followRefusal(code, user, session) }
        case .guess(let user, _, _, let session):
            if case .refused(let code, _) = outcome { followRefusal(code, user, session) }
        case .login(let user):
            clients[user].isLoggingIn = false
            guard case .session(let session) = outcome, case .answer(_, _, let members) = answer else { return }
            clients[user].login = TortureWorld.Login(session: session, access: members.access, refresh: members.refresh)
        case .refresh(let session, let token): followRefresh(session, token, outcome, answer)
        case .revoke(let session):
            let user = history.sessions[session].user
            guard let login = clients[user].login, login.session == session else { return }
            switch outcome {
            case .done, .unknown:
                clients[user].login = nil
                keep(TortureWorld.Ended(user: user, session: session, access: login.access))
            case .refused(let code, _): followRefusal(code, user, session)
            case .redeemed, .session, .token: break
            }
        case .revokeAll(let user):
            switch outcome {
            case .done:
                // The client does not know of this, and goes on.
                guard let login = clients[user].login else { return }
                keep(TortureWorld.Ended(user: user, session: login.session, access: login.access))
            case .refused(let code, _):
                followRefusal(code, TortureWorld.admin, clients[TortureWorld.admin].login?.session ?? -1)
            case .redeemed, .session, .token, .unknown: break
            }
        case .operate: break
        }
    }

    private mutating func keep(_ old: TortureWorld.Ended) {
        ended.append(old)
        if ended.count > TortureWorld.State.endedKept { ended.removeFirst(TortureWorld.State.endedKept / 2) }
    }

    private mutating func followKey(_ key: Int, _ outcome: Attempt.Outcome) {
        let isOpen: Bool
        switch outcome {
        case .unknown: isOpen = true
        case .redeemed: isOpen = false
        case .refused(let code, _): isOpen = keys[key].isOpen && !TortureWorld.State.telling.contains(code)
        case .session, .token, .done: return
        }
        keys[key].isOpen = isOpen
        // Some clients give up.
        guard isOpen, unresolved == nil, Int.random(in: 0..<5, using: &random) > 0 else { return }
        let pause = Int.random(in: TortureWorld.State.pauses, using: &random)
        retries.append((Moment.now().advanced(milliseconds: pause), key))
    }

    private mutating func followRefusal(_ code: String, _ user: Int, _ session: Int) {
        guard let login = clients[user].login, login.session == session else { return }
        switch code {
        case "token_expired": clients[user].login?.mustRefresh = true
        case "session_revoked", "token_invalid", "refresh_token_invalid", "refresh_token_reused": clients[user].login = nil
        default: break
        }
    }

    private mutating func followRefresh(
        _ session: Int,
        _ token: UInt64,
        _ outcome: Attempt.Outcome,
        _ answer: TortureAnswer
    ) {
        let user = history.sessions[session].user
        guard var login = clients[user].login, login.session == session else { return }
        switch outcome {
        case .token:
            // This answer is older than the token with which the client has gone on.
            guard Attempt.mark(login.refresh) == token, case .answer(_, _, let members) = answer else { return }
            login.older.append(login.refresh)
            if login.older.count > TortureWorld.State.olderKept { login.older.removeFirst() }
            (login.access, login.refresh, login.mustRefresh) = (members.access, members.refresh, false)
            clients[user].login = login
        case .refused(let code, _): followRefusal(code, user, session)
        case .redeemed, .session, .done, .unknown: break
        }
    }
}
