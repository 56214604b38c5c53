import Domain
import TestSupport
import Testing

@testable import Persistence
@testable import Sync

/// Rows that are counted a page at a time while others land.
@Suite struct RedemptionTallyTests {
    /// - Parameter redeemed: the coupon's count when the page was read; `nil`: there was no coupon yet.
    private func page(_ rows: Int, redeemed: Int?, total: Int = 10) -> RedemptionPage {
        let id = CouponID("sale")!
        let digest = CodeDigest(bytes: Array(repeating: 1, count: 32))!
        let counted = redeemed.map {
            Coupon(id: id, name: "", codeDigest: digest, price: 1, total: total, redeemed: $0)
        }
        return RedemptionPage(
            last: nil,
            rows: rows == 0 ? [:] : [id: rows],
            repeated: [],
            dangling: 0,
            coupons: counted.map { [$0] } ?? []
        )
    }

    private func check(_ pages: RedemptionPage...) -> ReconcileReport {
        var (tally, report) = (RedemptionTally(), ReconcileReport())
        for page in pages { tally.add(page, into: &report) }
        tally.check(into: &report)
        return report
    }

    @Test func onePageIsExact() {
        #expect(check(page(3, redeemed: 3)).holds)
        for rows in [2, 4] {
            let report = check(page(rows, redeemed: 3))
            #expect(report.checks[0].examples == ["sale: \(rows) rows, counted 3, total 10"])
            #expect(report.checks[0].kept.map(\.remedy) == [.recount(CouponID("sale")!)])
        }
    }

    /// Between the pages two landed: both, one or none of them behind the first page.
    @Test func whatLandsMeanwhileIsNoDrift() {
        for seen in 0...2 { #expect(check(page(3, redeemed: 5), page(2 + seen, redeemed: 7)).holds) }
        #expect(
            check(page(3, redeemed: 5), page(1, redeemed: 7)).checks[0].examples == ["sale: 4 rows, counted 5 to 7, total 10"]
        )
        #expect(check(page(3, redeemed: 5), page(5, redeemed: 7)).checks[0].violations == 1)
    }

    @Test func aCouponThatIsCreatedMeanwhileHadNone() {
        for rows in 0...2 { #expect(check(page(0, redeemed: nil), page(rows, redeemed: 2)).holds) }
        #expect(!check(page(0, redeemed: nil), page(3, redeemed: 2)).holds)
    }

    @Test func moreThanTheTotalIsForAHuman() {
        let report = check(page(11, redeemed: 11))
        #expect(report.checks[0].kept.map(\.remedy) == [.oversold])
    }
}
