internal import Domain
internal import HotPath
internal import Persistence

/// One user in Postgres beside the same user in Redis. No I/O.
struct UserComparison {
    let audit: UserAudit
    /// `nil`: not loaded in the present epoch.
    let state: UserState?
    /// The user's redemptions in the outbox, which are not settled yet.
    let outbox: [Redemption]
    /// The fates of redemptions that are in quarantine, or were dropped from it.
    let fates: [RedemptionID: RedemptionFate]
    /// The last control entry that Redis had applied.
    let control: Int
    let shard: Shard
    let epoch: Epoch
    /// The prices of all coupons. A coupon's price never changes.
    let prices: [CouponID: Int]

    func check(into report: inout ReconcileReport) {
        let user = audit.user
        report.expect(
            2,
            Set(audit.rows.map(\.redemption.coupon)).count == audit.rows.count,
            "user \(user) has redeemed a coupon twice",
            .byHand("the constraint redemptions_once is gone: find out which row is right, delete the others, put it back")
        )
        report.expect(
            3,
            audit.balance >= 0,
            "user \(user): the balance in Postgres is \(audit.balance)",
            UserComparison.negativeBalance
        )
        guard let state else {
            report.expect(
                4,
                outbox.isEmpty,
                "user \(user): \(outbox.count) redemptions in the outbox, and not loaded",
                .rebuild(shard)
            )
            return
        }
        compare(state, into: &report)
    }

    private func compare(_ state: UserState, into report: inout ReconcileReport) {
        let user = audit.user
        // Rows that landed after Redis was read were in the outbox then, or are newer than it.
        let waiting = Set(outbox.map(\.id))
        let settled = audit.rows.filter { !$0.isNewer && !waiting.contains($0.redemption.id) }.map(\.redemption)
        let granted = audit.grants.filter { ($0.control ?? 0) <= max(control, state.control) }.reduce(0) { $0 + $1.amount }
        let held = outbox.reduce(0) { $0 + $1.price }
        // Redemptions that were dropped from quarantine, which Redis has yet to apply.
        let unheard = Set(state.redemptions.values).subtracting(waiting).compactMap { id in
            price(ofDropped: id) { $0 > control }.map { (id: id, price: $0) }
        }
        // Redemptions that were dropped and given back, although their entry in the outbox is not settled yet.
        let returned = outbox.compactMap { redemption in
            price(ofDropped: redemption.id) { $0 <= control }.map { (id: redemption.id, price: $0) }
        }
        let spent = (settled.map(\.price) + unheard.map(\.price)).reduce(0, +)
        let sum = state.available + held + spent - returned.reduce(0) { $0 + $1.price }

        let expected = Set(settled.map(\.id)).union(waiting).union(unheard.map(\.id)).subtracting(returned.map(\.id))
        let actual = Set(state.redemptions.values)
        let alone = state.redemptions.filter { !expected.contains($0.value) }
        let remedy = remedy(for: alone, into: &report)
        report.expect(
            3,
            state.available >= 0 && granted == sum,
            "user \(user): granted \(granted), available \(state.available), held by the outbox \(held), spent \(spent)",
            // Redis cannot load such a user.
            audit.balance < 0 ? UserComparison.negativeBalance : remedy
        )
        report.expect(
            4,
            expected == actual && state.unreadable.isEmpty,
            "user \(user): " + describe(actual.subtracting(expected), "in Redis only")
                + describe(expected.subtracting(actual), "not in Redis")
                + (state.unreadable.isEmpty ? "" : "unreadable in Redis: \(state.unreadable.sorted().joined(separator: ", "))"),
            remedy
        )
    }

    private static let negativeBalance = Remedy.byHand(
        "more was redeemed than granted: find out which grant is missing, or grant the difference"
    )

    /// - Parameter alone: the redemptions that Redis has and should not have.
    private func remedy(for alone: [CouponID: RedemptionID], into report: inout ReconcileReport) -> Remedy {
        var remedy = Remedy.rebuild(shard)
        for (coupon, id) in alone {
            switch fates[id] {
            case .dropped: continue
            case .quarantined: if case .rebuild = remedy { remedy = .quarantine(shard) }
            case nil:
                remedy = .unaccounted(shard)
                report.note(
                    UnaccountedRedemption(
                        shard: shard,
                        epoch: epoch,
                        id: id,
                        user: audit.user,
                        coupon: coupon,
                        price: prices[coupon]
                    )
                )
            }
        }
        return remedy
    }

    private func price(ofDropped id: RedemptionID, where isWanted: (Int) -> Bool) -> Int? {
        guard case .dropped(let price, let control?) = fates[id], isWanted(control) else { return nil }
        return price
    }

    private func describe(_ ids: Set<RedemptionID>, _ what: String) -> String {
        ids.isEmpty ? "" : "redemptions \(what): \(ids.map(\.description).sorted().joined(separator: ", ")); "
    }
}
