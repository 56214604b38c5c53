import Domain
import HotPath
import Hummingbird

extension API {
    @Sendable func listCoupons(_ request: Request, _ context: APIContext) async throws -> Response {
        let page = try Page<CouponID>(request, limits: limits)
        let found = try await coupons.page(after: page.after, limit: page.limit + 1)
        let shown = Array(found.prefix(page.limit))
        let stock = try await stock(of: shown.map(\.id))
        var json = JSONWriter()
        json.object { json in
            json.name("coupons")
            json.array(shown) { coupon, json in json.coupon(coupon, left: stock[coupon.id]) }
            json.member("next", found.count > page.limit ? shown.last?.id.description : nil)
        }
        return .json(json.text)
    }

    @Sendable func showCoupon(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let id = context.parameters.get("coupon", as: CouponID.self), let coupon = try await coupons.coupon(id) else {
            throw Problem(.couponNotFound)
        }
        let stock = try await stock(of: [id])
        var json = JSONWriter()
        json.coupon(coupon, left: stock[id])
        return .json(json.text)
    }

    /// What is left, of all shards together. A coupon that some shard has not loaded is absent.
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

extension JSONWriter {
    /// Everything but the hidden code.
    /// - Parameter left: `nil` while the coupon's shard is closed.
    fileprivate mutating func coupon(_ coupon: Coupon, left: Int?) {
        object { json in
            json.member("id", coupon.id.description)
            json.member("name", coupon.name)
            json.member("price", coupon.price)
            json.member("total", coupon.total)
            json.name("left")
            if let left { json.number(left) } else { json.null() }
            json.member("state", coupon.state.rawValue)
            json.member("starts_at", coupon.startsAt?.rfc3339)
            json.member("ends_at", coupon.endsAt?.rfc3339)
        }
    }
}
