internal import Domain
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Sync

/// Reads the final state of both stores, with the numbers that the history gives users and coupons.
struct FinalStateReader: Sendable {
    private static let usersPerPage = 500

    let history: History
    let store: ShardStore
    let hotPath: HotPath
    let postgres: PostgresClient

    /// Waits until the outbox is empty and every operation has reached Redis. It gives up silently, since the final state shows it.
    static func drain(_ store: ShardStore, _ postgres: PostgresClient, limit: Duration) async throws {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let control = try await postgres.withConnection { try $0.lastControlSequence() }
            if let status = try? await store.status(), status.outboxLength == 0, status.scriptsLoaded, status.control == control {
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func read() async throws -> FinalState {
        var finalState = FinalState()
        let userNumbers = Dictionary(uniqueKeysWithValues: history.users.enumerated().map { ($0.element, $0.offset) })
        let couponNumbers = Dictionary(uniqueKeysWithValues: history.coupons.enumerated().map { ($0.element.id, $0.offset) })
        finalState.rows = try await rows(userNumbers, couponNumbers)
        finalState.quarantine = try await postgres.withConnection { try $0.allQuarantined() }
        finalState.operations = try await operations()
        finalState.grants = try await grants(userNumbers)
        finalState.coupons = try await coupons(couponNumbers)
        finalState.credit = try await credit(userNumbers)
        finalState.undrained = try await store.status().outboxLength
        return finalState
    }

    /// Violations that `redeem reconcile` finds in the end. Another rule judges the quarantine, so it is emptied first.
    func drift() async throws -> [String] {
        _ = try await postgres.withConnection { try $0.execute("delete from quarantine") }
        return try await FinalStateReader.drift(hotPath, postgres)
    }

    /// Violations that `redeem reconcile` finds on the live system, without those about the quarantine.
    static func drift(_ hotPath: HotPath, _ postgres: PostgresClient) async throws -> [String] {
        try await Reconciler(hotPath: hotPath, postgres: postgres).run().checks.flatMap { check in
            check.examples.filter { !$0.hasSuffix("in quarantine") }.map { "\(check.invariant). \(check.text): \($0)" }
        }
    }

    private func rows(_ users: [UserID: Int], _ coupons: [CouponID: Int]) async throws -> [FinalState.Row] {
        try await postgres.withConnection { try $0.allRedemptions() }.map { row in
            FinalState.Row(id: row.id, user: users[row.user] ?? -1, coupon: coupons[row.coupon] ?? -1, price: row.price)
        }
    }

    private func operations() async throws -> Set<Int> {
        let actors = try await postgres.withConnection { try $0.controlActors() }
        return Set(actors.compactMap(FinalStateReader.operation))
    }

    private func grants(_ users: [UserID: Int]) async throws -> [FinalState.Grant] {
        try await postgres.withConnection { try $0.loggedGrants() }.map { grant in
            FinalState.Grant(
                operation: FinalStateReader.operation(of: grant.actor) ?? -1,
                user: users[grant.user] ?? -1,
                amount: grant.amount
            )
        }
    }

    /// The number of the operation that an actor of the run did; `nil` if the actor is not one of the run's.
    private static func operation(of actor: String) -> Int? {
        actor.hasPrefix(TortureOperators.actor) ? Int(actor.dropFirst(TortureOperators.actor.count)) : nil
    }

    private func coupons(_ numbers: [CouponID: Int]) async throws -> [Int: FinalState.Coupon] {
        let all = try await postgres.withConnection { try $0.allCoupons() }
        let stock = try await store.stock(of: all.map(\.id))
        var coupons: [Int: FinalState.Coupon] = [:]
        for coupon in all {
            guard let number = numbers[coupon.id] else { continue }
            let state = try await hotPath.client.send(["HGET", Keys(store.shard).coupon(coupon.id), "state"])
            coupons[number] = FinalState.Coupon(
                total: coupon.total,
                isPaused: coupon.state == .paused,
                left: stock[coupon.id],
                isPausedInRedis: state.string.map { $0 == Coupon.State.paused.rawValue }
            )
        }
        return coupons
    }

    private func credit(_ numbers: [UserID: Int]) async throws -> [Int: Credit] {
        var credit: [Int: Credit] = [:]
        var users = history.users[...]
        while !users.isEmpty {
            for (user, state) in try await store.credits(of: Array(users.prefix(FinalStateReader.usersPerPage))) {
                if let number = numbers[user] { credit[number] = state }
            }
            users = users.dropFirst(FinalStateReader.usersPerPage)
        }
        return credit
    }
}
