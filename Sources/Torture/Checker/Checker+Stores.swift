internal import Domain

extension Checker {
    /// The stock in Redis and the redemptions add up to the total, and both stores agree about which coupons are paused.
    func stock() -> [Violation] {
        var counts: [Int: Int] = [:]
        for row in finalState.rows { counts[row.coupon, default: 0] += 1 }
        return finalState.coupons.sorted { $0.key < $1.key }.flatMap { number, coupon in
            var violations: [Violation] = []
            let name = self.coupon(number)
            if let left = coupon.left {
                if left < 0 || left + counts[number, default: 0] != coupon.total {
                    let text = "\(name): \(left) left and \(counts[number, default: 0]) redeemed, and a total of \(coupon.total)"
                    violations.append(Violation(.stock, text))
                }
            } else {
                violations.append(Violation(.stock, "\(name) is not in Redis"))
            }
            if let paused = coupon.isPausedInRedis, paused != coupon.isPaused {
                let states = [paused, coupon.isPaused].map { $0 ? "paused" : "active" }
                violations.append(Violation(.control, "\(name) is \(states[0]) in Redis and \(states[1]) in Postgres"))
            }
            return violations
        }
    }

    /// Available credit is the grants less the spendings, and no credit is held any more.
    func credit() -> [Violation] {
        var balance = Array(repeating: history.credit, count: history.users.count)
        for grant in finalState.grants where balance.indices.contains(grant.user) { balance[grant.user] += grant.amount }
        for row in finalState.rows where balance.indices.contains(row.user) { balance[row.user] -= row.price }
        return balance.enumerated().compactMap { number, rest in
            if rest < 0 { return Violation(.credit, "\(user(number)) has spent \(-rest) more than was granted") }
            guard let credit = finalState.credit[number] else { return nil }
            guard credit.available != rest || credit.held != 0 else { return nil }
            let text = "\(user(number)) should have \(rest), and has \(credit.available) available and \(credit.held) held"
            return Violation(.credit, text)
        }
    }

    /// An act that an operator was told is done is in the control log, and one that was refused is not. The coupons' totals
    /// follow from the acts.
    func operations() -> [Violation] {
        var totals: [Int: Int] = [:]
        var violations: [Violation] = []
        let granted = Dictionary(finalState.grants.map { ($0.operation, $0) }, uniquingKeysWith: { first, _ in first })
        if granted.count != finalState.grants.count { violations.append(Violation(.control, "a grant is in Postgres twice")) }
        for (place, attempt) in history.attempts.enumerated() {
            guard case .operate(let operation, let number) = attempt.what else { continue }
            let isThere = finalState.operations.contains(number)
            switch attempt.outcome {
            // An act that changes no state writes nothing.
            case .done:
                if !isThere, !operation.mayBeVoid {
                    violations.append(Violation(.control, "operation \(number) was done and is not in the control log", [place]))
                }
            case .refused:
                if isThere {
                    violations.append(Violation(.control, "operation \(number) was refused and is in the control log", [place]))
                }
            case .redeemed, .session, .token, .unknown: break
            }
            guard isThere else { continue }
            switch operation {
            case .create(let coupon):
                if history.coupons.indices.contains(coupon) { totals[coupon, default: 0] += history.coupons[coupon].total }
            case .restock(let coupon, let amount): totals[coupon, default: 0] += amount
            case .grant(let user, let amount):
                if granted[number]?.user != user || granted[number]?.amount != amount {
                    violations.append(Violation(.control, "grant \(number) is in the control log and not in Postgres", [place]))
                }
            case .pause, .resume: break
            }
        }
        for (number, coupon) in finalState.coupons where totals[number, default: 0] != coupon.total {
            let text = "\(self.coupon(number)) has a total of \(coupon.total), and was given \(totals[number, default: 0])"
            violations.append(Violation(.control, text))
        }
        return violations
    }

    /// Within an epoch the cursor never goes back, and the epoch never goes back either, except with an older Postgres.
    func cursors() -> [Violation] {
        zip(history.cursors, history.cursors.dropFirst()).compactMap { before, after in
            let goesBack =
                after.cursor.epoch < before.cursor.epoch
                || after.cursor.epoch == before.cursor.epoch && after.cursor.lastID < before.cursor.lastID
            let isOlder = history.faults.contains { record in
                guard record.fault == .postgresOlder, let loss = record.loss else { return false }
                return record.began <= after.seen && before.seen <= loss.until
            }
            guard goesBack, !isOlder else { return nil }
            let places = [before, after].map { "\($0.cursor.lastID) of epoch \($0.cursor.epoch)" }
            return Violation(.cursor, "the cursor went back from \(places[0]) to \(places[1])")
        }
    }

    /// Quarantine has only redemptions that a fault may have lost: an owner finds them when an older file is put back.
    func quarantine() -> [Violation] {
        finalState.quarantine.compactMap { id, reason in
            if let id, mayBeLost(id) { return nil }
            return Violation(.quarantine, "\(id?.description ?? "something") is in quarantine: \(reason)")
        }
    }

    func drift() -> [Violation] {
        var violations = (history.drift + finalState.drift).map { Violation(.drift, $0) }
        if finalState.undrained > 0 { violations.append(Violation(.drift, "\(finalState.undrained) entries are in the outbox")) }
        return violations
    }

    func faults() -> [Violation] {
        history.faults.flatMap { record in
            var violations: [Violation] = []
            if record.proof == nil {
                violations.append(Violation(.unproven, "nothing shows that \(record.fault.rawValue) took place"))
            }
            if let complaint = record.complaint { violations.append(Violation(.exit, "\(record.fault.rawValue): \(complaint)")) }
            if record.healed != nil, record.secondsToOpen == nil {
                violations.append(Violation(.closed, "no redemption was decided in time after \(record.fault.rawValue)"))
            }
            return violations
        }
    }
}

extension Attempt.Operation {
    fileprivate var mayBeVoid: Bool {
        switch self {
        case .pause, .resume: true
        case .create, .restock, .grant: false
        }
    }
}
