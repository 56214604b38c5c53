import Domain

/// A redemption as clients see it.
enum RedemptionJSON {
    enum Status: String {
        /// Decided in Redis, not yet in Postgres.
        case held
        /// In Postgres.
        case confirmed

        /// Of a redemption that was just answered.
        static func promised(_ durability: Durability) -> Status { durability == .ledger ? .confirmed : .held }
    }

    /// More than any has: names and values of one length come to some 200 bytes, a coupon and a price to 80 more.
    static let capacity = 320

    /// - Parameter durability: what the answer promises; only the answer to a redemption promises anything.
    static func text(_ redemption: Redemption, status: Status, durability: Durability? = nil) -> String {
        String(capacity: capacity) { $0.write(redemption, status: status, durability: durability) }
    }
}

extension TextWriter {
    /// None of the values can need escaping.
    mutating func write(_ redemption: Redemption, status: RedemptionJSON.Status, durability: Durability?) {
        write(#"{"id":""#)
        write(redemption.id.uuid)
        write(#"","coupon":""#)
        write(redemption.coupon.description)
        write(#"","price":"#)
        write(redemption.price)
        write(#","redeemed_at":""#)
        write(redemption.redeemedAt)
        write(#"","status":""#)
        write(status.rawValue)
        if let durability {
            write(#"","durability":""#)
            write(durability.rawValue)
        }
        write(#""}"#)
    }
}
