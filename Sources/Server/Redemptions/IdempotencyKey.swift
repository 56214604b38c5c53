import Credentials
import Domain

/// The client's `Idempotency-Key`. Two requests of a user for a coupon with the same key are the same request.
enum IdempotencyKey {
    static func isValid(_ key: String) -> Bool {
        var key = key
        return key.withUTF8(isValid)
    }

    static func isValid(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        (1...Limits.idempotencyKeyBytes).contains(key.count) && key.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The tail of the redemption's id. It follows from user, coupon and key, so that the same request proposes the same id
    /// again, on any server and at any time.
    static func tail(user: UserID, coupon: CouponID, key: String) -> UUIDv7.Tail {
        var key = key
        return key.withUTF8 { tail(user: user, coupon: coupon, key: $0) }
    }

    /// The digest of `user|coupon|key`. The id of a user has one length and a coupon's has no `|`, so no two triples have the
    /// same text.
    static func tail(user: UserID, coupon: CouponID, key: UnsafeBufferPointer<UInt8>) -> UUIDv7.Tail {
        let capacity = UUIDv7.textBytes + Limits.couponIDLength + Limits.idempotencyKeyBytes + 2
        return withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { memory in
            var text = TextWriter(memory)
            text.write(user.uuid)
            text.write("|")
            text.write(coupon.description)
            text.write("|")
            text.write(UnsafeRawBufferPointer(key))
            return UUIDv7.Tail(digestOf: UnsafeRawBufferPointer(rebasing: memory[..<text.count]))
        }
    }
}
