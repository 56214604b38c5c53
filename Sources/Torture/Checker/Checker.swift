internal import Domain

/// Decides from a history and the final state whether every promise was kept. No I/O.
///
/// The rules are those of docs/ARCHITECTURE.md, "The problem". With *ok* for what was answered as accepted, *unknown* for what
/// was not answered, and *refused* for the rest: ok ⊆ Postgres ⊆ ok ∪ unknown, and refused ∩ Postgres = ∅.
struct Checker: Sendable {
    let history: History
    let finalState: FinalState
    let mode: Durability
    /// The redemptions in Postgres, by id.
    let rows: [RedemptionID: FinalState.Row]
    /// The places of attempts for each user and coupon, in the order in which they started.
    let byPair: [Pair: [Int]]
    let byKey: [Int: [Int]]
    let bySession: [Int: [Int]]

    struct Pair: Hashable {
        let user: Int
        let coupon: Int
    }

    /// - Parameter mode: the durability that every answer promised.
    init(_ history: History, _ finalState: FinalState, mode: Durability = .local) {
        self.history = history
        self.finalState = finalState
        self.mode = mode
        rows = Dictionary(finalState.rows.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var byPair: [Pair: [Int]] = [:]
        var byKey: [Int: [Int]] = [:]
        var bySession: [Int: [Int]] = [:]
        let order = history.attempts.indices.sorted { history.attempts[$0].started < history.attempts[$1].started }
        for place in order {
            switch history.attempts[place].what {
            case .redeem(let user, let coupon, let key, let session), .guess(let user, let coupon, let key, let session):
                byPair[Pair(user: user, coupon: coupon), default: []].append(place)
                byKey[key, default: []].append(place)
                bySession[session, default: []].append(place)
            case .refresh(let session, _), .revoke(let session): bySession[session, default: []].append(place)
            case .login, .revokeAll, .operate: break
            }
        }
        self.byPair = byPair
        self.byKey = byKey
        self.bySession = bySession
    }

    /// All violations, rule by rule.
    func violations() -> [Violation] {
        acknowledged() + kept() + stored() + answers() + phantoms() + stock() + credit() + operations() + revocations()
            + refreshes()
            + cursors() + quarantine() + drift() + faults()
    }

    /// Whether a fault may have taken a decision with it.
    func mayBeLost(_ id: RedemptionID) -> Bool { history.faults.contains { $0.loss?.covers(id) == true } }

    /// Whether a fault may have taken a decision with it that was acknowledged.
    func acknowledgedMayBeLost(_ id: RedemptionID) -> Bool {
        history.faults.contains { $0.loss?.covers(id) == true && $0.fault.mayTakeAcknowledged(mode) }
    }

    /// Whether a fault may have undone, before `later`, what was answered at `moment`.
    func mayBeLost(_ moment: Moment, before later: Moment) -> Bool {
        history.faults.contains { fault in
            guard let loss = fault.loss else { return false }
            return moment >= loss.from && fault.began <= later && moment <= loss.until
        }
    }

    func user(_ number: Int) -> String {
        history.users.indices.contains(number) ? "user \(number) (\(history.users[number]))" : "a user that nobody knows"
    }

    func coupon(_ number: Int) -> String {
        history.coupons.indices.contains(number) ? "\(history.coupons[number].id)" : "a coupon that nobody knows"
    }
}
