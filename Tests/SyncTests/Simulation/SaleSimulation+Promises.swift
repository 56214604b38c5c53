import Domain

@testable import HotPath
@testable import Persistence

/// A redemption that a user was told of, or would have been.
struct Accepted {
    let redemption: Redemption
    /// The Redis that had it was lost before Postgres did.
    var mayBeLost = false
    /// An older dump of Postgres was put back since.
    var mayBeInQuarantine = false
}

extension SaleSimulation {
    /// Redis has just done so.
    func check(_ event: SimulatedRedis.Event) {
        switch event {
        case .accepted(let redemption, let epoch, let session): decided(redemption, epoch, session)
        case .scriptsLoaded:
            if postgres.owner == nil { count("scripts loaded by one who is not the owner any more") }
        case .left(let entries):
            // An owner may have committed it before a dump was put back, and settled it since: its user has it.
            for id in SaleSimulation.ids(entries) where !postgres.isKept(id) && accepted[id]?.mayBeInQuarantine != true {
                simulation.violate("\(id) has left the outbox, and Postgres does not have it")
            }
        }
    }

    /// What was decided and is neither in Postgres nor in what Redis will have may be gone.
    func lost(to saved: SimulatedRedis.Saved) {
        let kept = SaleSimulation.redemptions(in: saved, keys)
        for id in accepted.keys where !postgres.isKept(id) && !kept.contains(id) { accepted[id]!.mayBeLost = true }
    }

    /// All that a Redis has for sure, in its outbox or with its users. Those of an earlier epoch are loaded again when they come, by a
    /// server that does not know that Postgres went back: then what they had is gone. Where the shard is closed nobody comes.
    static func redemptions(in saved: SimulatedRedis.Saved, _ keys: Keys) -> Set<RedemptionID> {
        var found: Set<RedemptionID> = []
        if case .stream(let stream) = saved.keys[keys.outbox] { found = Set(ids(stream.entries)) }
        var epoch: String?
        if case .hash(let shard) = saved.keys[keys.shard] { epoch = shard["epoch"] }
        if case .hash(let users) = saved.keys[keys.users], epoch == nil || users["epoch"] == epoch {
            for record in users.values {
                found.formUnion(UserRecord(record.simulatedBytes)?.redemptions.values.map(\.self) ?? [])
            }
        }
        return found
    }

    private static func ids(_ entries: [(id: StreamID, fields: [String])]) -> [RedemptionID] {
        redemptions(entries).map(\.id)
    }

    private static func redemptions(_ entries: [(id: StreamID, fields: [String])]) -> [Redemption] {
        entries.flatMap { entry -> [Redemption] in
            guard case .entry(let read) = OutboxRead(id: entry.id, fields: entry.fields.map { .simulated($0) }) else { return [] }
            return read.redemptions
        }
    }

    /// It must not contradict what is in Postgres.
    private func decided(_ redemption: Redemption, _ epoch: Int, _ session: String) {
        count("accepted")
        simulation.note("accepted \(redemption.id) of \(redemption.coupon) for \(redemption.user)")
        if let earlier = accepted[redemption.id], !earlier.mayBeLost { simulation.violate("\(redemption.id) is given twice") }
        accepted[redemption.id] = Accepted(redemption: redemption)
        // Until a Redis is rebuilt from the older Postgres the two need not agree.
        if let restoredIn, epoch <= restoredIn {
            accepted[redemption.id]!.mayBeInQuarantine = true
            return
        }
        guard let cursor = postgres.cursor, cursor.epoch.number == epoch else {
            return simulation.violate("accepted in epoch \(epoch), and Postgres is in \(postgres.cursor?.epoch.number ?? 0)")
        }
        if let stream = redis.stream(keys.outbox), stream.lastID <= cursor.lastID {
            simulation.violate("accepted at \(stream.lastID), and the cursor is at \(cursor.lastID)")
        }
        if postgres.hasUse(redemption.user, redemption.coupon) {
            simulation.violate("accepted for a user who has that coupon in Postgres")
        }
        let undrained = undrained()
        let coupon = postgres.coupons.first { $0.id == redemption.coupon }!
        let sold = coupon.redeemed + undrained.count { $0.coupon == coupon.id }
        if sold > coupon.total { simulation.violate("\(sold) of \(coupon.total) \(coupon.id) are sold") }
        let owed = undrained.reduce(0) { $0 + ($1.user == redemption.user ? $1.price : 0) }
        if postgres.spent(redemption.user) + owed > postgres.granted[redemption.user]! {
            simulation.violate("\(redemption.user) has spent more than was granted")
        }
        let applied = Int(redis.hash(keys.shard)["control"] ?? "") ?? 0
        let version = Int(redis.hash(session)["version"] ?? "") ?? 0
        let revoked = postgres.log.prefix(applied).contains {
            if case .change(.userSessionsRevoked(redemption.user, let below)) = $0.content { version < below } else { false }
        }
        if revoked { simulation.violate("redeemed under a session that was revoked, and Redis has counted the revocation") }
    }

    /// What the outbox has and Postgres has not.
    private func undrained() -> [Redemption] {
        SaleSimulation.redemptions(redis.stream(keys.outbox)?.entries ?? []).filter { postgres.rows[$0.id] == nil }
    }

    // MARK: The end

    /// Nothing disturbs any more: within a bounded time the shard is open, drained, and has all that operators did.
    func heal() {
        simulation.note("HEALING")
        if !redis.isUp { startRedis() }
        for worker in workers { worker.process.isStopped = false }
        let end = simulation.now + 60_000
        let steps = simulation.steps + 20_000
        // A check of the coupons is to come after the last fault.
        let earliest = simulation.now + 3_000
        while simulation.violation == nil {
            guard simulation.now < end, simulation.steps < steps else {
                return simulation.violate("not healed after \(simulation.steps) steps")
            }
            guard simulation.step() else { return simulation.violate("nothing happens any more") }
            if simulation.now >= earliest, isAtRest { return }
        }
    }

    private var isAtRest: Bool {
        let shard = redis.hash(keys.shard)
        return redis.isOpen && shard["control"] == "\(postgres.control)"
            && shard["epoch"] == postgres.cursor.map { "\($0.epoch)" } && redis.stream(keys.outbox)?.entries.isEmpty ?? true
            && postgres.coupons.allSatisfy { redis.saved.keys[keys.coupon($0.id)] != nil }
    }

    func checkAtTheEnd() {
        guard let epoch = postgres.cursor.map({ "\($0.epoch)" }) else { return simulation.violate("no cursor") }
        for (id, accepted) in accepted where !accepted.mayBeLost && postgres.rows[id] != accepted.redemption {
            if accepted.mayBeInQuarantine, postgres.quarantine.contains(where: { $0.redemption == accepted.redemption }) {
                continue
            }
            simulation.violate("\(id) was accepted and is not in Postgres as it was")
        }
        if let stream = redis.stream(keys.outbox), let trimmed = Int(redis.hash(keys.shard)["trimmed"] ?? ""),
            stream.added - stream.entries.count != trimmed
        {
            simulation.violate("of \(stream.added) entries \(trimmed) were settled and \(stream.entries.count) are there")
        }
        for id in postgres.rows.keys where accepted[id] == nil { simulation.violate("\(id) is in Postgres and was not accepted") }
        for item in postgres.quarantine {
            guard let id = item.redemption?.id, let accepted = accepted[id], accepted.mayBeLost || accepted.mayBeInQuarantine
            else {
                simulation.violate("in quarantine, \(item.reason): \(item.redemption.map { "\($0.id)" } ?? "an entry")")
                continue
            }
        }
        for coupon in postgres.coupons {
            let hash = redis.hash(keys.coupon(coupon.id))
            guard hash["epoch"] == epoch, let left = Int(hash["left"] ?? ""),
                left + coupon.redeemed + undecided(epoch, where: { $0.coupon == coupon.id }).count == coupon.total
            else {
                let left = hash["left"] ?? "none"
                simulation.violate("of \(coupon.total) \(coupon.id) \(coupon.redeemed) are sold and \(left) left")
                continue
            }
            if hash["state"] != coupon.state.rawValue { simulation.violate("\(coupon.id) is not \(coupon.state) in Redis") }
        }
        for user in users {
            guard redis.hash(keys.users)["epoch"] == epoch, let record = redis.record(keys.users, user) else { continue }
            if mayDiffer.contains(user), let restoredIn, Int(epoch)! <= restoredIn { continue }
            let unpaid = undecided(epoch) { $0.user == user }.reduce(0) { $0 + $1.price }
            let balance = postgres.granted[user]! - postgres.spent(user) - unpaid
            if record.available != balance {
                simulation.violate("\(user) has \(record.available), and should have \(balance)")
            }
            let rows = Set(postgres.rows.values.filter { $0.user == user }.map(\.id))
            let expected = rows.union(undecided(epoch) { $0.user == user }.map(\.id))
            if Set(record.redemptions.values) != expected {
                simulation.violate("\(user) has \(record.redemptions.values), and should have \(expected)")
            }
        }
    }

    /// What is in quarantine and Redis still holds.
    private func undecided(_ epoch: String, where isWanted: (Redemption) -> Bool) -> [Redemption] {
        postgres.quarantine.filter { $0.epoch?.description == epoch }.compactMap(\.redemption).filter(isWanted)
    }
}
