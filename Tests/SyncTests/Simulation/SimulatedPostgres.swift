import Domain

@testable import Persistence

/// What Postgres does, of the transactions that an owner and the servers make: each of them is one step.
final class SimulatedPostgres {
    struct Quarantined: Hashable {
        let redemption: Redemption?
        let reason: String
    }

    private struct Use: Hashable {
        let user: UserID
        let coupon: CouponID
    }

    private(set) var cursor: Cursor?
    private(set) var coupons: [Coupon] = []
    private(set) var rows: [RedemptionID: Redemption] = [:]
    private var uses: Set<Use> = []
    private(set) var quarantine: [Quarantined] = []
    private(set) var log: [ControlEntry] = []
    private(set) var granted: [UserID: Int] = [:]
    private(set) var versions: [UserID: Int] = [:]
    /// Who holds the shard's lock.
    private(set) var owner: SimulatedSession?
    private(set) var sessions: [SimulatedSession] = []
    var violate: (String) -> Void = { _ in }
    var bug: OwnerBug?

    var control: Int { log.count }

    // MARK: Sessions

    func opened(_ session: SimulatedSession) { sessions.append(session) }

    /// The server has noticed that the connection is over.
    func ended(_ session: SimulatedSession) {
        sessions.removeAll { $0 === session }
        if owner === session { owner = nil }
    }

    func tryLock(_ session: SimulatedSession) -> Bool {
        if owner == nil { owner = session }
        return owner === session || bug == .ignoresTheCursor
    }

    // MARK: The data plane

    func land(_ batch: LandingBatch) throws -> LandingReport {
        guard batch.isInOrder else { throw LandingError.outOfOrder }
        guard cursor == batch.cursor || bug == .ignoresTheCursor else { throw LandingError.cursorMoved(actual: cursor) }
        var landed = 0
        var unfit = batch.malformed.map { Quarantined(redemption: nil, reason: $0.reason) }
        for entry in batch.entries {
            for redemption in entry.redemptions {
                if let reason = entry.epoch == batch.cursor.epoch ? refusal(of: redemption) : "of another epoch" {
                    unfit.append(Quarantined(redemption: redemption, reason: reason))
                } else {
                    insert(redemption)
                    landed += 1
                }
            }
        }
        quarantine += unfit
        let moved = Cursor(epoch: batch.cursor.epoch, lastID: batch.last)
        move(to: moved)
        return LandingReport(landed: landed, quarantined: unfit.count, cursor: moved)
    }

    private func refusal(of redemption: Redemption) -> String? {
        guard granted[redemption.user] != nil else { return "an unknown user" }
        guard let coupon = coupons.first(where: { $0.id == redemption.coupon }) else { return "an unknown coupon" }
        guard redemption.price == coupon.price else { return "another price" }
        if rows[redemption.id] != nil { return "an id twice" }
        if uses.contains(Use(user: redemption.user, coupon: redemption.coupon)) { return "a second use" }
        return coupon.redeemed < coupon.total ? nil : "beyond the total"
    }

    private func insert(_ redemption: Redemption) {
        rows[redemption.id] = redemption
        uses.insert(Use(user: redemption.user, coupon: redemption.coupon))
        change(redemption.coupon) { $0.changed(redeemed: $0.redeemed + 1) }
    }

    func quarantineUnlanded(_ entries: [OutboxEntry], reason: String) -> Int {
        var count = 0
        for redemption in entries.flatMap(\.redemptions) where rows[redemption.id] == nil {
            guard !quarantine.contains(where: { $0.redemption?.id == redemption.id }) else { continue }
            quarantine.append(Quarantined(redemption: redemption, reason: reason))
            count += 1
        }
        return count
    }

    func beginEpoch(after expected: Cursor?, above seen: Epoch?) throws -> Cursor {
        guard cursor == expected || bug == .ignoresTheCursor else { throw LandingError.cursorMoved(actual: cursor) }
        let last = [expected?.epoch, seen].compactMap(\.self).max()
        let next = bug == .reusesTheEpoch ? last ?? Epoch(1) : last?.next ?? Epoch(1)
        move(to: Cursor(epoch: next, lastID: .zero))
        return Cursor(epoch: next, lastID: .zero)
    }

    private func move(to new: Cursor) {
        if let cursor, new.epoch < cursor.epoch || (new.epoch == cursor.epoch && new.lastID < cursor.lastID) {
            violate("the cursor goes back from \(cursor.epoch) \(cursor.lastID) to \(new.epoch) \(new.lastID)")
        }
        cursor = new
    }

    func hasUse(_ user: UserID, _ coupon: CouponID) -> Bool { uses.contains(Use(user: user, coupon: coupon)) }

    func spent(_ user: UserID) -> Int { rows.values.reduce(0) { $0 + ($1.user == user ? $1.price : 0) } }

    func snapshot(of user: UserID) -> UserSnapshot? {
        guard let granted = granted[user], let cursor else { return nil }
        let own = rows.values.filter { $0.user == user }
        return UserSnapshot(
            user: user,
            balance: granted - own.reduce(0) { $0 + $1.price },
            redemptions: Dictionary(uniqueKeysWithValues: own.map { ($0.coupon, $0.id) }),
            control: control,
            epoch: cursor.epoch
        )
    }

    // MARK: The control plane

    func create(_ user: UserID, credit: Int) {
        granted[user] = credit
        versions[user] = 1
    }

    func create(_ coupon: Coupon) {
        coupons.append(coupon)
        append(.couponCreated(coupon))
    }

    func setState(_ id: CouponID, _ state: Coupon.State) {
        change(id) { $0.changed(state: state) }
        append(.couponState(id, state))
    }

    func restock(_ id: CouponID, by amount: Int) {
        change(id) { $0.changed(total: $0.total + amount) }
        append(.couponRestocked(id, amount: amount))
    }

    func grant(_ user: UserID, _ amount: Int) {
        granted[user, default: 0] += amount
        append(.creditGranted(user, amount: amount))
    }

    func revokeSessions(of user: UserID) {
        versions[user, default: 1] += 1
        append(.userSessionsRevoked(user, below: versions[user]!))
    }

    func rebuildShard() { append(.shardRebuild(Shard(index: 0))) }

    private func append(_ change: ControlChange) {
        log.append(ControlEntry(sequence: log.count + 1, change: change))
        for session in sessions { session.notifications += 1 }
    }

    private func change(_ id: CouponID, _ body: (Coupon) -> Coupon) {
        guard let index = coupons.firstIndex(where: { $0.id == id }) else { return }
        coupons[index] = body(coupons[index])
    }
}

extension Coupon {
    fileprivate func changed(total: Int? = nil, redeemed: Int? = nil, state: State? = nil) -> Coupon {
        Coupon(
            id: id,
            name: name,
            codeDigest: codeDigest,
            price: price,
            total: total ?? self.total,
            redeemed: redeemed ?? self.redeemed,
            state: state ?? self.state,
            version: version + 1
        )
    }
}
