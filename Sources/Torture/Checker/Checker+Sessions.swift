internal import Domain

extension Checker {
    /// A session redeems nothing after its end was confirmed. This holds for requests that were sent later, and for redemptions
    /// that were decided later, by the time in their own id.
    func revocations() -> [Violation] {
        var ends: [Int: (moment: Moment, place: Int)] = [:]
        var sessionsOf: [Int: [Int]] = [:]
        for (number, session) in history.sessions.enumerated() { sessionsOf[session.user, default: []].append(number) }
        for (place, attempt) in history.attempts.enumerated() {
            guard case .done = attempt.outcome else { continue }
            switch attempt.what {
            case .revoke(let session): ends.keepEarliest(session, attempt.ended, place)
            // A login that was under way is not ended by this.
            case .revokeAll(let user):
                for session in sessionsOf[user] ?? [] where history.sessions[session].known < attempt.started {
                    ends.keepEarliest(session, attempt.ended, place)
                }
            case .redeem, .guess, .login, .refresh, .operate: continue
            }
        }
        var violations: [Violation] = []
        for (place, attempt) in history.attempts.enumerated() {
            guard case .redeem(let user, let coupon, _, let session) = attempt.what,
                case .redeemed(let id, _) = attempt.outcome, let end = ends[session],
                attempt.started > end.moment || Int64(id.uuid.milliseconds) > end.moment.milliseconds,
                !mayBeLost(end.moment, before: attempt.ended)
            else { continue }
            let text =
                "\(self.user(user)) redeemed \(self.coupon(coupon)) as \(id) under session \(session), whose end was answered"
            violations.append(Violation(.revoked, text, [end.place, place]))
        }
        return violations
    }

    /// A refresh token has one successor, and is refused once the successor was exchanged.
    func refreshes() -> [Violation] {
        var violations: [Violation] = []
        for (session, places) in bySession {
            /// The successor of each token, and the attempt that got it.
            var successors: [UInt64: (token: UInt64, place: Int)] = [:]
            /// When a token was first known to have been exchanged.
            var exchanged: [UInt64: (moment: Moment, place: Int)] = [:]
            let exchanges = places.compactMap { place -> (place: Int, from: UInt64, to: UInt64)? in
                guard case .refresh(_, let from) = history.attempts[place].what,
                    case .token(let to) = history.attempts[place].outcome
                else { return nil }
                return (place, from, to)
            }
            for exchange in exchanges.sorted(by: { history.attempts[$0.place].ended < history.attempts[$1.place].ended }) {
                let attempt = history.attempts[exchange.place]
                if let known = successors[exchange.from], known.token != exchange.to,
                    !mayBeLost(history.attempts[known.place].ended, before: attempt.ended)
                {
                    let text = "a refresh token of session \(session) was exchanged for two different ones"
                    violations.append(Violation(.refresh, text, [known.place, exchange.place]))
                }
                // The successor was exchanged before this request was sent.
                if let next = successors[exchange.from], let used = exchanged[next.token], attempt.started > used.moment,
                    !mayBeLost(used.moment, before: attempt.ended)
                {
                    let text = "an old refresh token of session \(session) was accepted after its successor had been exchanged"
                    violations.append(Violation(.refresh, text, [next.place, used.place, exchange.place]))
                }
                successors[exchange.from] = successors[exchange.from] ?? (exchange.to, exchange.place)
                exchanged[exchange.from] = exchanged[exchange.from] ?? (attempt.ended, exchange.place)
            }
        }
        return violations
    }
}

extension [Int: (moment: Moment, place: Int)] {
    fileprivate mutating func keepEarliest(_ session: Int, _ moment: Moment, _ place: Int) {
        if let known = self[session], known.moment <= moment { return }
        self[session] = (moment, place)
    }
}
