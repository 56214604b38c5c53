import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct CouponsTests {
    @Test func aCouponIsCreatedFoundAndLogged() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let plain = newCoupon("plain")
                let full = Coupon(
                    id: CouponID("full")!,
                    name: "Voller Gutschein 🎟",
                    codeDigest: newCoupon("x").codeDigest,
                    price: 0,
                    total: Limits.amount,
                    redeemed: 5,
                    startsAt: Timestamp(milliseconds: 1_700_000_000_123),
                    endsAt: Timestamp(milliseconds: 1_800_000_000_456),
                    state: .paused,
                    version: 9
                )
                #expect(try connection.createCoupon(plain, codeKey: nil, actor: "admin") == plain)
                let created = try connection.createCoupon(full, codeKey: nil, actor: "admin")
                #expect(created.redeemed == 0)
                #expect(created.version == 1)
                #expect(created.endsAt == full.endsAt)
                #expect(try connection.coupon(full.id) == created)
                #expect(try connection.coupon(codeDigest: full.codeDigest) == created)
                #expect(try connection.allCoupons() == [created, plain])
                #expect(try connection.coupons(after: nil, limit: 1) == [created])
                #expect(try connection.coupons(after: created.id, limit: 5) == [plain])
                #expect(
                    try connection.controlEntries(after: 0, limit: 10).compactMap(\.entry) == [
                        ControlEntry(sequence: 1, change: .couponCreated(plain)),
                        ControlEntry(sequence: 2, change: .couponCreated(created)),
                    ]
                )
                #expect(try connection.coupon(CouponID("none")!) == nil)
                #expect(try connection.coupon(codeDigest: newCoupon("y").codeDigest) == nil)
            }
        }
    }

    @Test func eachBadCouponIsRefusedByName() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let good = try connection.createCoupon(newCoupon("good"), codeKey: nil, actor: "admin")
                func violated(_ coupon: Coupon) -> String? {
                    let error = #expect(throws: PostgresError.self) {
                        try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
                    }
                    #expect(error?.isUniqueViolation == true || error?.isCheckViolation == true)
                    return error?.constraint
                }
                #expect(violated(newCoupon("good")) == PostgresConstraint.couponID)
                #expect(
                    violated(Coupon(id: CouponID("other")!, name: "", codeDigest: good.codeDigest, price: 1, total: 1))
                        == PostgresConstraint.couponCode
                )
                #expect(violated(newCoupon("a", price: -1)) == PostgresConstraint.couponPrice)
                #expect(violated(newCoupon("a", price: Limits.amount + 1)) == PostgresConstraint.couponPrice)
                #expect(violated(newCoupon("a", total: -1)) != nil)
                #expect(violated(newCoupon("a", total: Limits.amount + 1)) == PostgresConstraint.couponTotal)
                let moment = Timestamp(milliseconds: 1_700_000_000_000)
                let never = Coupon(
                    id: CouponID("never")!,
                    name: "",
                    codeDigest: newCoupon("x").codeDigest,
                    price: 1,
                    total: 1,
                    startsAt: moment,
                    endsAt: moment
                )
                #expect(violated(never) == PostgresConstraint.couponWindow)
                #expect(try connection.allCoupons() == [good])
                #expect(try connection.lastControlSequence() == 1)
            }
        }
    }

    @Test func pausingAndRestockingAreLogged() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = try connection.createCoupon(newCoupon("c", total: 100), codeKey: nil, actor: "admin")
                let paused = try #require(try connection.setCouponState(coupon.id, .paused, actor: "admin"))
                #expect(paused.state == .paused)
                #expect(paused.version == 2)
                // No change, no entry.
                #expect(try connection.setCouponState(coupon.id, .paused, actor: "admin") == paused)
                let restocked = try #require(try connection.restockCoupon(coupon.id, by: 5, actor: "admin"))
                #expect(restocked.total == 105)
                #expect(restocked.version == 3)
                #expect(
                    try connection.controlEntries(after: 1, limit: 10).compactMap(\.entry) == [
                        ControlEntry(sequence: 2, change: .couponState(coupon.id, .paused)),
                        ControlEntry(sequence: 3, change: .couponRestocked(coupon.id, amount: 5)),
                    ]
                )
                let none = CouponID("none")!
                #expect(try connection.setCouponState(none, .paused, actor: "admin") == nil)
                #expect(try connection.restockCoupon(none, by: 1, actor: "admin") == nil)
                for amount in [0, -1, Limits.amount + 1, Int.max] {
                    let error = #expect(throws: PostgresError.self) {
                        try connection.restockCoupon(coupon.id, by: amount, actor: "admin")
                    }
                    #expect(error?.constraint == PostgresConstraint.restockAmount)
                }
                let error = #expect(throws: PostgresError.self) {
                    try connection.restockCoupon(coupon.id, by: Limits.amount - 104, actor: "admin")
                }
                #expect(error?.isCheckViolation == true)
                #expect(error?.constraint == PostgresConstraint.couponTotal)
                #expect(try connection.lastControlSequence() == 3)
                let snapshot = try connection.couponsSnapshot()
                #expect(snapshot.coupons == [restocked])
                #expect(snapshot.control == 3)
            }
        }
    }
}
