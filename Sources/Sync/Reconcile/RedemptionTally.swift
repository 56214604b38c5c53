internal import Domain
internal import Persistence

/// Compares the rows of `redemptions`, counted page by page, with the counts of the coupons. No I/O.
///
/// Each page is of another moment. Rows are only ever added, each in one transaction with its coupon's count. So a coupon's rows in all
/// pages are at least its count at the first page, and at most its count at the last. With a single page both are the same.
struct RedemptionTally {
    /// The counts at the first page.
    private var atLeast: [CouponID: Int]?
    private var rows: [CouponID: Int] = [:]
    private var dangling = 0
    /// All coupons at the last page.
    private var coupons: [Coupon] = []

    mutating func add(_ page: RedemptionPage, into report: inout ReconcileReport) {
        if let coupons = page.coupons {
            if atLeast == nil { atLeast = Dictionary(uniqueKeysWithValues: coupons.map { ($0.id, $0.redeemed) }) }
            self.coupons = coupons
        }
        rows.merge(page.rows, uniquingKeysWith: +)
        dangling += page.dangling
        for repeated in page.repeated {
            report.expect(
                2,
                false,
                "user \(repeated.user) has \(repeated.count) redemptions of \(repeated.coupon)",
                .byHand("the constraint redemptions_once is gone: find out which row is right, delete the others, put it back")
            )
        }
    }

    /// After the last page.
    func check(into report: inout ReconcileReport) {
        for coupon in coupons {
            let rows = rows[coupon.id] ?? 0
            // A coupon that came after the first page had none then.
            let atLeast = atLeast?[coupon.id] ?? 0
            let counted = atLeast == coupon.redeemed ? "\(atLeast)" : "\(atLeast) to \(coupon.redeemed)"
            report.expect(
                1,
                rows >= atLeast && rows <= coupon.redeemed && rows <= coupon.total,
                "\(coupon.id): \(rows) rows, counted \(counted), total \(coupon.total)",
                max(rows, coupon.redeemed) > coupon.total ? .oversold : .recount(coupon.id)
            )
        }
        report.expect(
            4,
            dangling == 0,
            "\(dangling) redemptions are of a user or coupon that does not exist",
            .byHand("users and coupons are never deleted by Redeem: put back from a backup those that are missing")
        )
    }
}
