import Domain

/// The body of the answer to a redemption: the members of `RedemptionView`, and `durability`, which the answer promises.
enum RedemptionJSON {
    /// The greatest body has some 280 bytes: names and values of fixed length have about 200, the coupon and the price 80.
    static let capacity = 320

    static func text(_ redemption: Redemption, _ durability: Durability) -> String {
        String(capacity: capacity) { $0.write(redemption, durability) }
    }
}

extension TextWriter {
    /// None of the values can need escaping.
    mutating func write(_ redemption: Redemption, _ durability: Durability) {
        write(#"{"id":""#)
        write(redemption.id.uuid)
        write(#"","coupon":""#)
        write(redemption.coupon.description)
        write(#"","price":"#)
        write(redemption.price)
        write(#","redeemed_at":""#)
        write(redemption.redeemedAt)
        write(#"","status":""#)
        write(RedemptionView.Status(promisedBy: durability).rawValue)
        write(#"","durability":""#)
        write(durability.rawValue)
        write(#""}"#)
    }
}
