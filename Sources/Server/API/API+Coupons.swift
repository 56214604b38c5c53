import Domain
import HotPath
import Hummingbird

extension API {
    @Sendable func listCoupons(_ request: Request, _ context: APIContext) async throws -> CouponList {
        let page = try Page<CouponID>(request, limits: limits)
        let found = try await coupons.page(after: page.after, limit: page.limit + 1)
        let shown = Array(found.prefix(page.limit))
        let stock = try await stock(of: shown.map(\.id))
        return CouponList(
            coupons: shown.map { CouponView($0, left: stock[$0.id]) },
            next: found.count > page.limit ? shown.last?.id : nil
        )
    }

    @Sendable func showCoupon(_ request: Request, _ context: APIContext) async throws -> CouponView {
        guard let id = context.parameters.get("coupon", as: CouponID.self), let coupon = try await coupons.coupon(id) else {
            throw Problem(.couponNotFound)
        }
        return CouponView(coupon, left: try await stock(of: [id])[id])
    }

    /// The uses that are left, of all shards together. A coupon that some shard has not loaded is absent.
    private func stock(of coupons: [CouponID]) async throws -> [CouponID: Int] {
        guard !coupons.isEmpty else { return [:] }
        var total = try await hotPath.stores[0].stock(of: coupons)
        for store in hotPath.stores.dropFirst() {
            let more = try await store.stock(of: coupons)
            for coupon in coupons { total[coupon] = total[coupon].flatMap { sum in more[coupon].map { sum + $0 } } }
        }
        return total
    }
}
