import Credentials
import Domain
import HotPath
import Hummingbird
import Persistence
import PostgresClient

extension API {
    @Sendable func me(_ request: Request, _ context: APIContext) async throws -> AccountView {
        let caller = try await caller(request)
        guard let user = try await postgres.withConnection({ try $0.user(id: caller.user) }) else { throw Problem(.tokenInvalid) }
        return AccountView(user, try await credit(of: caller.user), session: caller.session)
    }

    private func credit(of user: UserID) async throws -> Credit {
        let store = hotPath.store(for: user)
        if let credit = try await store.credit(of: user) { return credit }
        try await load(user)
        guard let credit = try await store.credit(of: user) else { throw Problem(.shardClosed) }
        return credit
    }

    /// Lists the caller's redemptions, the newest first: those in Postgres, and those that are in Redis only.
    @Sendable func myRedemptions(_ request: Request, _ context: APIContext) async throws -> RedemptionList {
        let caller = try await caller(request)
        let page = try Page<RedemptionID>(request, limits: limits)
        // Redis is read first. A redemption that lands between the two reads is then seen twice, and counts as landed. In the
        // other order it would not be seen at all.
        let live = try await hotPath.store(for: caller.user).redemptions(of: caller.user) ?? [:]
        let landed = try await postgres.withConnection { connection in
            try connection.redemptions(of: caller.user, after: page.after, limit: page.limit + 1)
        }
        let items = try await merge(live: live, landed: landed, of: caller.user, page)
        return RedemptionList(
            redemptions: Array(items.prefix(page.limit)),
            next: items.count > page.limit ? items[page.limit - 1].id : nil
        )
    }

    /// Puts both together, the newest first.
    /// - Returns: the page, and at least one more if there is one.
    private func merge(
        live: [CouponID: RedemptionID],
        landed: [Redemption],
        of user: UserID,
        _ page: Page<RedemptionID>
    ) async throws -> [RedemptionView] {
        let known = Set(landed.map(\.id))
        // Postgres gave all of its redemptions down to its last row. Older ones are for another page.
        let oldest = landed.count > page.limit ? landed.last?.id : nil
        let held = live.filter { _, id in
            !known.contains(id) && page.after.map { id.precedes($0) } != false && oldest.map { $0.precedes(id) } != false
        }
        var items = landed.map { RedemptionView($0, .confirmed) }
        for (coupon, id) in held {
            // A coupon's price never changes, so it is the price that was paid.
            guard let coupon = try await coupons.coupon(coupon) else { continue }
            let redemption = Redemption(id: id, user: user, coupon: coupon.id, price: coupon.price)
            items.append(RedemptionView(redemption, .held))
        }
        return items.sorted { $1.id.precedes($0.id) }
    }
}

extension RedemptionID {
    /// True if this is the older one.
    fileprivate func precedes(_ other: RedemptionID) -> Bool {
        (uuid.high, uuid.low) < (other.uuid.high, other.uuid.low)
    }
}
