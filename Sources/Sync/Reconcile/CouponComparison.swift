internal import Domain
internal import Persistence

/// One coupon in Postgres beside the same coupon in Redis. No I/O.
struct CouponComparison {
    let ledger: CouponLedger
    let shard: Shard
    /// `nil`: not loaded in the present epoch.
    let left: Int?
    /// Redemptions in the outbox beyond the cursor.
    let waiting: Int
    /// Redemptions of the present epoch in quarantine.
    let quarantined: Int
    /// True if Redis has yet to apply the coupon's creation.
    let isNew: Bool
    /// Uses that the control log adds, and that Redis has yet to apply.
    let unapplied: Int

    func check(into report: inout ReconcileReport) {
        let id = ledger.coupon
        guard !isNew else { return }
        guard let left else {
            report.expect(5, false, "\(id): not in Redis", .rebuild(shard))
            return
        }
        let landed = (ledger.redemptions ?? ledger.redeemed) - ledger.newer
        let missing = ledger.total - unapplied - (left + landed + waiting)
        report.expect(
            5,
            left >= 0 && missing == 0,
            "\(id): left \(left) + redemptions \(landed) + undrained \(waiting), total \(ledger.total - unapplied)",
            // A rebuild cannot write a coupon with less than 0 left into Redis.
            isOversold ? .oversold : left >= 0 && missing == quarantined ? .quarantine(shard) : .rebuild(shard)
        )
    }

    private var isOversold: Bool { max(ledger.redemptions ?? 0, ledger.redeemed) > ledger.total }
}
