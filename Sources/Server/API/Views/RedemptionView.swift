import Domain
import Hummingbird

/// A redemption as clients see it afterwards. The answer to a redemption has the same members, and `durability` (`RedemptionJSON`).
struct RedemptionView: ResponseEncodable, Sendable {
    enum Status: String, Encodable, Sendable {
        /// Decided in Redis, not yet in Postgres.
        case held
        /// In Postgres.
        case confirmed

        /// The status of a redemption that was just decided.
        init(promisedBy durability: Durability) { self = durability == .ledger ? .confirmed : .held }
    }

    let id: RedemptionID
    let coupon: CouponID
    let price: Int
    /// RFC 3339.
    let redeemedAt: String
    let status: Status

    init(_ redemption: Redemption, _ status: Status) {
        id = redemption.id
        coupon = redemption.coupon
        price = redemption.price
        redeemedAt = redemption.redeemedAt.rfc3339
        self.status = status
    }
}

/// A page of a user's redemptions, the newest first.
struct RedemptionList: ResponseEncodable, Sendable {
    let redemptions: [RedemptionView]
    /// `after` of the next page; `null` on the last one.
    @Nullable var next: RedemptionID?
}
