import Domain

/// A redemption as clients see it.
enum RedemptionJSON {
    enum Status: String {
        /// Decided in Redis, not yet in Postgres.
        case held
        /// In Postgres.
        case confirmed
    }

    /// None of the values can need escaping.
    /// - Parameter durability: what the answer promises; only the answer to a redemption promises anything.
    static func text(_ redemption: Redemption, id: String? = nil, status: Status, durability: Durability? = nil) -> String {
        var text = #"{"id":""#
        text.reserveCapacity(224)
        text += id ?? redemption.id.description
        text += #"","coupon":""#
        text += redemption.coupon.description
        text += #"","price":"#
        text += String(redemption.price)
        text += #","redeemed_at":""#
        text += redemption.redeemedAt.rfc3339
        text += #"","status":""#
        text += status.rawValue
        if let durability {
            text += #"","durability":""#
            text += durability.rawValue
        }
        text += #""}"#
        return text
    }
}
