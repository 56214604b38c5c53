import Domain
import Persistence
import PostgresClient
import Synchronization

/// Keeps coupons, as Postgres has them, for a moment: their names and prices.
final class CouponCache: Sendable {
    private struct Entry {
        let coupon: Coupon?
        let readAt: ContinuousClock.Instant
    }

    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let entries = Mutex<[CouponID: Entry]>([:])

    init(postgres: PostgresClient, limits: ServerLimits) {
        self.postgres = postgres
        self.limits = limits
    }

    func coupon(_ id: CouponID) async throws -> Coupon? {
        let oldest = ContinuousClock.now - limits.couponAge
        if let entry = entries.withLock({ $0[id] }), entry.readAt > oldest { return entry.coupon }
        let coupon = try await postgres.withConnection { try $0.coupon(id) }
        keep(id, coupon)
        return coupon
    }

    func page(after id: CouponID?, limit: Int) async throws -> [Coupon] {
        try await postgres.withConnection { try $0.coupons(after: id, limit: limit) }
    }

    /// A cache that is full is emptied: coupons are few, so only somebody who asks for made-up ids fills it.
    private func keep(_ id: CouponID, _ coupon: Coupon?) {
        entries.withLock { entries in
            if entries.count >= limits.cachedCoupons { entries.removeAll() }
            entries[id] = Entry(coupon: coupon, readAt: .now)
        }
    }
}
