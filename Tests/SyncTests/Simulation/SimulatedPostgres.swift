import Domain

@testable import Persistence

/// What Postgres does, of the transactions that an owner and the servers make: each of them is one step.
final class SimulatedPostgres {
    struct Quarantined: Hashable {
        let redemption: Redemption?
        let epoch: Epoch?
        let reason: String
    }

    fileprivate struct Use: Hashable {
        let user: UserID
        let coupon: CouponID
    }

    /// What a dump has.
    struct Saved {
        fileprivate(set) var cursor: Cursor?
        fileprivate(set) var coupons: [Coupon] = []
        fileprivate(set) var rows: [RedemptionID: Redemption] = [:]
        fileprivate var uses: Set<Use> = []
        fileprivate(set) var quarantine: [Quarantined] = []
        fileprivate(set) var log: [LoggedControl] = []
        fileprivate(set) var granted: [UserID: Int] = [:]
        fileprivate(set) var versions: [UserID: Int] = [:]
    }

    private(set) var saved = Saved()
    /// Microseconds, as it were: never the same twice, whatever is put back.
    private var marks = 0
    /// Who holds the shard's lock.
    private(set) var owner: SimulatedPostgresConnection?
    private(set) var connections: [SimulatedPostgresConnection] = []
    var violate: (String) -> Void = { _ in }
    var bug: OwnerBug?

    var cursor: Cursor? { saved.cursor }
    var coupons: [Coupon] { saved.coupons }
    var rows: [RedemptionID: Redemption] { saved.rows }
    var quarantine: [Quarantined] { saved.quarantine }
    var log: [LoggedControl] { saved.log }
    var granted: [UserID: Int] { saved.granted }
    var versions: [UserID: Int] { saved.versions }
    var control: Int { log.count }

    /// A dump is put back.
    func restore(_ dump: Saved) { saved = dump }

    // MARK: Connections

    func opened(_ connection: SimulatedPostgresConnection) { connections.append(connection) }

    /// The server has noticed that the connection is over.
    func ended(_ connection: SimulatedPostgresConnection) {
        connections.removeAll { $0 === connection }
        if owner === connection { owner = nil }
    }

    func tryLock(_ connection: SimulatedPostgresConnection) -> Bool {
        if owner == nil { owner = connection }
        return owner === connection || bug == .ignoresTheCursor
    }

    // MARK: The data plane

    func land(_ batch: LandingBatch) throws -> LandingResult {
        guard batch.isInOrder else { throw LandingError.outOfOrder }
        guard cursor == batch.cursor || bug == .ignoresTheCursor else { throw LandingError.cursorMoved(actual: cursor) }
        var landed = 0
        var unfit = batch.malformed.map { Quarantined(redemption: nil, epoch: batch.cursor.epoch, reason: $0.reason) }
        for entry in batch.entries {
            for redemption in entry.redemptions {
                if let reason = entry.epoch == batch.cursor.epoch ? refusal(of: redemption) : "of another epoch" {
                    unfit.append(Quarantined(redemption: redemption, epoch: entry.epoch, reason: reason))
                } else {
                    insert(redemption)
                    landed += 1
                }
            }
        }
        saved.quarantine += unfit
        let moved = Cursor(epoch: batch.cursor.epoch, lastID: batch.last)
        move(to: moved)
        return LandingResult(landed: landed, quarantined: unfit.count, cursor: moved)
    }

    private func refusal(of redemption: Redemption) -> String? {
        guard granted[redemption.user] != nil else { return "an unknown user" }
        guard let coupon = coupons.first(where: { $0.id == redemption.coupon }) else { return "an unknown coupon" }
        guard redemption.price == coupon.price else { return "another price" }
        if rows[redemption.id] != nil { return "an id twice" }
        if saved.uses.contains(Use(user: redemption.user, coupon: redemption.coupon)) { return "a second use" }
        return coupon.redeemed < coupon.total ? nil : "beyond the total"
    }

    private func insert(_ redemption: Redemption) {
        saved.rows[redemption.id] = redemption
        saved.uses.insert(Use(user: redemption.user, coupon: redemption.coupon))
        change(redemption.coupon) { $0.changed(redeemed: $0.redeemed + 1) }
    }

    func quarantineUnlanded(_ found: UnlandedEntries) -> Int {
        found.entries.reduce(0) { count, entry in
            count + entry.redemptions.count { quarantineIfUnknown($0, entry.epoch, found.reason) }
        }
    }

    func quarantine(_ found: [UnaccountedRedemption], reason: String) -> Int {
        if bug == .salvagesNoUsers { return 0 }
        return found.count { item in
            // A coupon that Postgres has forgotten and that the owner deleted, who died then, has no price any more. All cost the same.
            let redemption = Redemption(id: item.id, user: item.user, coupon: item.coupon, price: item.price ?? 10)
            return quarantineIfUnknown(redemption, item.epoch, reason)
        }
    }

    private func quarantineIfUnknown(_ redemption: Redemption, _ epoch: Epoch, _ reason: String) -> Bool {
        guard rows[redemption.id] == nil, !quarantine.contains(where: { $0.redemption?.id == redemption.id }) else {
            return false
        }
        saved.quarantine.append(Quarantined(redemption: redemption, epoch: epoch, reason: reason))
        return true
    }

    func beginEpoch(after expected: Cursor?, above seen: Epoch?) throws -> Cursor {
        guard cursor == expected || bug == .ignoresTheCursor else { throw LandingError.cursorMoved(actual: cursor) }
        let last = ([expected?.epoch, seen] + quarantine.map(\.epoch)).compactMap(\.self).max()
        let next = bug == .reusesTheEpoch ? last ?? Epoch(1) : last?.next ?? Epoch(1)
        move(to: Cursor(epoch: next, lastID: .zero))
        return Cursor(epoch: next, lastID: .zero)
    }

    private func move(to new: Cursor) {
        if let cursor, new.epoch < cursor.epoch || (new.epoch == cursor.epoch && new.lastID < cursor.lastID) {
            violate("the cursor goes back from \(cursor.epoch) \(cursor.lastID) to \(new.epoch) \(new.lastID)")
        }
        saved.cursor = new
    }

    /// Whether it can still be decided about.
    func isKept(_ id: RedemptionID) -> Bool { rows[id] != nil || quarantine.contains { $0.redemption?.id == id } }

    func hasUse(_ user: UserID, _ coupon: CouponID) -> Bool { saved.uses.contains(Use(user: user, coupon: coupon)) }

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
        saved.granted[user] = credit
        saved.versions[user] = 1
    }

    func create(_ coupon: Coupon) {
        saved.coupons.append(coupon)
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
        saved.granted[user, default: 0] += amount
        append(.creditGranted(user, amount: amount))
    }

    func revokeSessions(of user: UserID) {
        saved.versions[user, default: 1] += 1
        append(.userSessionsRevoked(user, below: versions[user]!))
    }

    func rebuildShard() { append(.shardRebuild(Shard(index: 0))) }

    private func append(_ change: ControlChange) {
        marks += 1
        saved.log.append(LoggedControl(sequence: log.count + 1, mark: marks, content: .change(change)))
        for connection in connections { connection.notifications += 1 }
    }

    private func change(_ id: CouponID, _ body: (Coupon) -> Coupon) {
        guard let index = coupons.firstIndex(where: { $0.id == id }) else { return }
        saved.coupons[index] = body(coupons[index])
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
