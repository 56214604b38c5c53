import Domain

/// What makes two requests the same request: the client's `Idempotency-Key`.
enum IdempotencyKey {
    static func isValid(_ key: String) -> Bool {
        (1...Limits.idempotencyKeyBytes).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The tail of the redemption's id. With a key it follows from user, coupon and key, so that the same request again proposes
    /// the same id, wherever and whenever it is answered; without one it is random. The id of a user has one length and a
    /// coupon's has no `|`, so no two triples have the same text.
    static func tail(user: UserID, coupon: CouponID, key: String?) -> UUIDv7.Tail {
        guard let key else { return .random() }
        return UUIDv7.Tail(digestOf: "\(user)|\(coupon)|\(key)")
    }
}
