internal import Domain

extension Checker {
    /// ok ⊆ Postgres.
    func acknowledged() -> [Violation] {
        var reported: Set<RedemptionID> = []
        var violations: [Violation] = []
        for (place, attempt) in history.attempts.enumerated() {
            guard case .redeemed(let id, _) = attempt.outcome, let pair = pair(attempt) else { continue }
            if let row = rows[id] {
                if row.user == pair.user, row.coupon == pair.coupon { continue }
                let text = "\(id) was answered to \(user(pair.user)) and is \(user(row.user))'s, of \(coupon(row.coupon))"
                violations.append(Violation(.changedAnswer, text, [place]))
            } else if !acknowledgedMayBeLost(id), reported.insert(id).inserted {
                let text = "\(id) of \(user(pair.user)) and \(coupon(pair.coupon)) was accepted and is not in Postgres"
                violations.append(Violation(.lost, text, byPair[pair] ?? []))
            }
        }
        return violations
    }

    /// Redis still had the redemptions that an older Postgres lacks, so they must be in quarantine, where somebody can decide
    /// about them. A fault of Redis at the same time may have lost them there too.
    func kept() -> [Violation] {
        let quarantined = Set(finalState.quarantine.compactMap(\.id))
        var reported: Set<RedemptionID> = []
        return history.attempts.enumerated().compactMap { place, attempt in
            guard case .redeemed(let id, _) = attempt.outcome, rows[id] == nil, !quarantined.contains(id) else { return nil }
            let faults = history.faults.filter { $0.loss?.covers(id) == true }
            guard !faults.isEmpty, faults.allSatisfy({ $0.fault == .postgresOlder }), reported.insert(id).inserted else {
                return nil
            }
            return Violation(.lost, "\(id) was accepted, and is neither in the older Postgres nor in quarantine", [place])
        }
    }

    /// Postgres ⊆ ok ∪ unknown, and so refused ∩ Postgres = ∅. A user has at most one redemption of a coupon, and a coupon at
    /// most its total.
    func stored() -> [Violation] {
        var acknowledged: Set<RedemptionID> = []
        for attempt in history.attempts { if case .redeemed(let id, _) = attempt.outcome { acknowledged.insert(id) } }
        var violations: [Violation] = []
        var owners: [Pair: RedemptionID] = [:]
        var counts: [Int: Int] = [:]
        for row in finalState.rows {
            let pair = Pair(user: row.user, coupon: row.coupon)
            counts[row.coupon, default: 0] += 1
            if let other = owners.updateValue(row.id, forKey: pair) {
                let text = "\(user(row.user)) has \(coupon(row.coupon)) twice: \(other) and \(row.id)"
                violations.append(Violation(.twice, text, byPair[pair] ?? []))
            }
            if !acknowledged.contains(row.id), !mayBeUnknown(row, pair) {
                let text =
                    "\(row.id) of \(user(row.user)) and \(coupon(row.coupon)) is in Postgres, and no request can have made it"
                violations.append(Violation(.unasked, text, byPair[pair] ?? []))
            }
        }
        for (number, coupon) in finalState.coupons where counts[number, default: 0] > coupon.total {
            let text = "\(self.coupon(number)) has \(counts[number, default: 0]) redemptions and a total of \(coupon.total)"
            violations.append(Violation(.oversold, text))
        }
        return violations
    }

    /// Whether a request without an answer began before the redemption was decided. It need not have been under way then: a
    /// request that was held up can still be carried out after its client gave up.
    private func mayBeUnknown(_ row: FinalState.Row, _ pair: Pair) -> Bool {
        (byPair[pair] ?? []).contains { place in
            let attempt = history.attempts[place]
            guard case .redeem = attempt.what, attempt.outcome.isUnknown else { return false }
            return attempt.started.milliseconds <= Int64(row.id.uuid.milliseconds)
        }
    }

    /// The same request always has the same answer, and a user has at most one redemption of a coupon.
    func answers() -> [Violation] {
        var violations: [Violation] = []
        for (key, places) in byKey {
            var first: (id: RedemptionID, ended: Moment)?
            for place in places.sorted(by: { history.attempts[$0].ended < history.attempts[$1].ended }) {
                let attempt = history.attempts[place]
                guard let known = first else {
                    if case .redeemed(let id, _) = attempt.outcome { first = (id, attempt.ended) }
                    continue
                }
                switch attempt.outcome {
                case .redeemed(let id, _):
                    if id == known.id { continue }
                    // A decision that was lost with a fault is made again.
                    if !mayBeLost(known.id) {
                        violations.append(changed("request \(key) was answered with \(known.id), and then with \(id)", places))
                    }
                    first = (id, attempt.ended)
                case .refused(let code, _):
                    guard Checker.decisions.contains(code), attempt.started > known.ended, !mayBeLost(known.id) else { continue }
                    violations.append(changed("request \(key) was accepted as \(known.id), and then refused as \(code)", places))
                case .session, .token, .done, .unknown: continue
                }
            }
        }
        for (pair, places) in byPair {
            let ids = Set(places.compactMap { accepted(history.attempts[$0]) }).filter { !mayBeLost($0) }
            guard ids.count > 1 else { continue }
            let list = ids.map(\.description).sorted().joined(separator: ", ")
            violations.append(
                Violation(.twice, "\(user(pair.user)) was told of several redemptions of \(coupon(pair.coupon)): \(list)", places)
            )
        }
        return violations
    }

    /// Refusals by which a request was looked at as a whole. They would be wrong for one that was accepted before. By other
    /// refusals somebody must log in, or wait.
    private static let decisions: Set<String> = [
        "already_redeemed", "sold_out", "insufficient_credit", "coupon_not_started", "coupon_paused", "coupon_ended",
        "wrong_code", "coupon_not_found",
    ]

    private func changed(_ text: String, _ places: [Int]) -> Violation { Violation(.changedAnswer, text, places) }

    /// A redemption that `already_redeemed` names must exist.
    func phantoms() -> [Violation] {
        var reported: Set<RedemptionID> = []
        return history.attempts.compactMap { attempt in
            guard case .refused(_, let id?) = attempt.outcome, let pair = pair(attempt), !mayBeLost(id) else { return nil }
            if let row = rows[id], row.user == pair.user, row.coupon == pair.coupon { return nil }
            guard reported.insert(id).inserted else { return nil }
            let text = "\(user(pair.user)) was told to have redeemed \(coupon(pair.coupon)) as \(id), which is not in Postgres"
            return Violation(.phantom, text, byPair[pair] ?? [])
        }
    }

    private func accepted(_ attempt: Attempt) -> RedemptionID? {
        guard case .redeemed(let id, _) = attempt.outcome else { return nil }
        return id
    }

    private func pair(_ attempt: Attempt) -> Pair? {
        switch attempt.what {
        case .redeem(let user, let coupon, _, _), .guess(let user, let coupon, _, _): Pair(user: user, coupon: coupon)
        case .login, .refresh, .revoke, .revokeAll, .operate: nil
        }
    }
}
