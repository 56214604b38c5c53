import Domain
import Hummingbird

/// A coupon as clients see it: without the hidden code.
struct CouponView: ResponseEncodable, Sendable {
    let id: CouponID
    let name: String
    let price: Int
    let total: Int
    /// Uses that are left, of all shards together; `null` if no open shard has the coupon.
    @Nullable var left: Int?
    let state: Coupon.State
    /// RFC 3339; `null` if the sale has no such limit.
    @Nullable var startsAt: String?
    @Nullable var endsAt: String?

    init(_ coupon: Coupon, left: Int?) {
        id = coupon.id
        name = coupon.name
        price = coupon.price
        total = coupon.total
        state = coupon.state
        _left = Nullable(wrappedValue: left)
        _startsAt = Nullable(wrappedValue: coupon.startsAt?.rfc3339)
        _endsAt = Nullable(wrappedValue: coupon.endsAt?.rfc3339)
    }
}

/// A page of coupons, in the order of their ids.
struct CouponList: ResponseEncodable, Sendable {
    let coupons: [CouponView]
    /// `after` of the next page; `null` on the last one.
    @Nullable var next: CouponID?
}
