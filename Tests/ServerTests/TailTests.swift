import Domain
import Testing

@testable import Server

@Suite struct TailTests {
    @Test func aTailFollowsFromUserCouponAndKey() throws {
        let user = UserID(uuid: UUIDv7(milliseconds: 1))
        let coupon = try #require(CouponID("tea"))
        let tail = IdempotencyKey.tail(user: user, coupon: coupon, key: "k")
        #expect(tail == IdempotencyKey.tail(user: user, coupon: coupon, key: "k"))
        #expect(tail != IdempotencyKey.tail(user: user, coupon: coupon, key: "K"))
        #expect(tail != IdempotencyKey.tail(user: user, coupon: try #require(CouponID("te")), key: "a|k"))
        #expect(UUIDv7.Tail(tail.description) == tail)
    }

    @Test func randomTailsDoNotRepeat() {
        var (one, other) = (RandomTails(), RandomTails())
        let tails = (0..<1000).flatMap { _ in [one.next(), other.next()] }
        #expect(Set(tails).count == tails.count)
        // Every bit but version and variant is random: of 2,000 tails, some have it and some have not.
        #expect(tails.reduce(0) { $0 | $1.high } == 0x7FFF && tails.reduce(.max) { $0 & $1.high } == 0x7000)
        #expect(
            tails.reduce(0) { $0 | $1.low } == 0xBFFF_FFFF_FFFF_FFFF
                && tails.reduce(.max) { $0 & $1.low } == 0x8000_0000_0000_0000
        )
    }
}
