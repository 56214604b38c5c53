internal import Domain
internal import HotPath
internal import Persistence

/// One user in Postgres beside the same user in Redis. No I/O.
struct UserComparison {
    let audit: UserAudit
    /// `nil`: not loaded in the present epoch.
    let state: UserState?
    /// What the outbox holds of the user, settled by nobody yet.
    let outbox: [Redemption]
    /// The last control entry that Redis had applied.
    let control: Int

    func check(into report: inout ReconcileReport) {
        let user = audit.user
        report.expect(
            2,
            Set(audit.rows.map(\.redemption.coupon)).count == audit.rows.count,
            "user \(user) has redeemed a coupon twice"
        )
        report.expect(3, audit.balance >= 0, "user \(user): the balance in Postgres is \(audit.balance)")
        guard let state else {
            report.expect(4, outbox.isEmpty, "user \(user): \(outbox.count) redemptions in the outbox, and not loaded")
            return
        }
        // Rows that landed after Redis was read are in the outbox of that moment, or newer than it.
        let waiting = Set(outbox.map(\.id))
        let settled = audit.rows.filter { !$0.isNewer && !waiting.contains($0.redemption.id) }.map(\.redemption)
        let granted = audit.grants.filter { ($0.control ?? 0) <= max(control, state.control) }.reduce(0) { $0 + $1.amount }
        let spent = settled.reduce(0) { $0 + $1.price }
        let held = outbox.reduce(0) { $0 + $1.price }
        report.expect(
            3,
            state.credit.available >= 0 && state.credit.held == held && granted == state.credit.available + held + spent,
            "user \(user): granted \(granted), available \(state.credit.available), held \(state.credit.held) "
                + "(the outbox says \(held)), spent \(spent)"
        )
        let expected = Set(settled.map(\.id)).union(waiting)
        let actual = Set(state.redemptions.values)
        report.expect(
            4,
            expected == actual,
            "user \(user): " + describe(actual.subtracting(expected), "in Redis only")
                + describe(expected.subtracting(actual), "not in Redis")
        )
    }

    private func describe(_ ids: Set<RedemptionID>, _ what: String) -> String {
        ids.isEmpty ? "" : "redemptions \(what): \(ids.map(\.description).sorted().joined(separator: ", ")); "
    }
}
