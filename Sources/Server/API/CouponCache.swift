import Domain
import Persistence
import Synchronization

/// Coupons as Postgres has them, kept for a moment: what a coupon is called and costs, and which one has a code.
final class CouponCache: Sendable {
    private struct Entry {
        let coupon: Coupon?
        let readAt: ContinuousClock.Instant
    }

    private struct State {
        var byID: [CouponID: Entry] = [:]
        /// A code stays with its coupon for good, so these never grow old.
        var byDigest: [CodeDigest: CouponID] = [:]
        var first: (coupons: [Coupon], readAt: ContinuousClock.Instant)?
    }

    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let state = Mutex(State())

    init(postgres: PostgresClient, limits: ServerLimits) {
        self.postgres = postgres
        self.limits = limits
    }

    func coupon(_ id: CouponID) async throws -> Coupon? {
        let oldest = ContinuousClock.now - limits.couponAge
        if let entry = state.withLock({ $0.byID[id] }), entry.readAt > oldest { return entry.coupon }
        let coupon = try await postgres.withConnection { try $0.coupon(id) }
        keep(id, coupon)
        return coupon
    }

    func coupon(codeDigest: CodeDigest) async throws -> CouponID? {
        if let id = state.withLock({ $0.byDigest[codeDigest] }) { return id }
        guard let coupon = try await postgres.withConnection({ try $0.coupon(codeDigest: codeDigest) }) else { return nil }
        keep(coupon.id, coupon)
        state.withLock { state in
            if state.byDigest.count >= limits.cachedCoupons { state.byDigest.removeAll() }
            state.byDigest[codeDigest] = coupon.id
        }
        return coupon.id
    }

    func page(after id: CouponID?, limit: Int) async throws -> [Coupon] {
        try await postgres.withConnection { try $0.coupons(after: id, limit: limit) }
    }

    /// A coupon on sale now, whichever: one that a wrong code can be tried on.
    func anyOnSale(at now: Timestamp) async throws -> CouponID? {
        let oldest = ContinuousClock.now - limits.couponAge
        let coupons: [Coupon]
        if let first = state.withLock({ $0.first }), first.readAt > oldest {
            coupons = first.coupons
        } else {
            coupons = try await page(after: nil, limit: limits.pageGreatest)
            state.withLock { $0.first = (coupons, .now) }
        }
        return coupons.first { $0.isOnSale(at: now) }?.id
    }

    /// A cache that is full is emptied: coupons are few, so only somebody who asks for made-up ids fills it.
    private func keep(_ id: CouponID, _ coupon: Coupon?) {
        state.withLock { state in
            if state.byID.count >= limits.cachedCoupons { state.byID.removeAll() }
            state.byID[id] = Entry(coupon: coupon, readAt: .now)
        }
    }
}

extension Coupon {
    fileprivate func isOnSale(at now: Timestamp) -> Bool {
        state == .active && startsAt.map { $0 <= now } != false && endsAt.map { now < $0 } != false
    }
}
