internal import Domain
internal import HotPath
internal import LoadGenerator
internal import Persistence
internal import PostgresClient
internal import Sync
internal import Terminal

/// Looks at a sale before and after a run: through the stores if they are known, else through the API.
struct SaleAudit: Sendable {
    typealias Check = SaleFacts.Check

    /// How long the outbox may take to be drained.
    static let drainLimit: Duration = .seconds(300)
    /// Users whose redemptions are looked up through the API.
    static let sample = 200

    let target: BenchTarget
    let answers: SaleAnswers
    let seed: UInt64

    /// The state of a sale before the run.
    struct Before: Sendable {
        let left: Int
        let price: Int
        let rows: Int?
        /// The credit that each user of the sample can spend.
        let credit: [Int: Int]
    }

    func before() async throws -> Before {
        let stock = try await target.caller.stock(of: target.coupon)
        guard let left = stock.left else {
            throw Unreachable("the shard of \(target.coupon) is closed", remedy: "start `redeem sync`, and try again")
        }
        guard let stores = target.stores else {
            return Before(left: left, price: stock.price, rows: nil, credit: try await credit(of: sampled()))
        }
        return Before(left: left, price: stock.price, rows: try await counts(stores).rows, credit: [:])
    }

    /// Call this when all requests have ended.
    func after(_ before: Before) async throws -> [Check] {
        var drained: Check?
        if let stores = target.stores { drained = try await drain(stores) }
        let left = try await target.caller.stock(of: target.coupon).left
        var facts = SaleFacts(answers: answers.summary, leftBefore: before.left, leftAfter: left ?? 0)
        guard let stores = target.stores else {
            return facts.checks + [try await sample(before), SaleAudit.unknownRows]
        }
        let counts = try await counts(stores)
        facts.rows = SaleFacts.Rows(before: before.rows ?? 0, after: counts.rows, users: counts.users)
        return [drained].compactMap { $0 } + facts.checks + (try await reconcile(stores))
    }

    private static let unknownRows = Check(
        promise: "rows in Postgres = successes",
        holds: nil,
        detail: "not checked: Redis and Postgres are not known; give --config, or --redis-url and --postgres-url"
    )
}

// MARK: - Through the stores

extension SaleAudit {
    private func counts(_ stores: BenchStores) async throws -> (rows: Int, users: Int) {
        let coupon = target.coupon
        return try await stores.postgres.withConnection { try $0.redemptionCounts(of: coupon) }
    }

    private func drain(_ stores: BenchStores) async throws -> Check {
        let began = ContinuousClock.now
        var waiting = 0
        repeat {
            waiting = 0
            for store in stores.hotPath.stores { waiting += try await store.status().outboxLength }
            if waiting == 0 { break }
            try await Task.sleep(for: .milliseconds(20))
        } while ContinuousClock.now - began < SaleAudit.drainLimit
        let seconds = (ContinuousClock.now - began).seconds
        return Check(
            promise: "everything decided is stored",
            holds: waiting == 0,
            detail: waiting == 0
                ? "the outbox was empty \(Measure.seconds(seconds)) after the load"
                : "\(waiting) entries are in the outbox after \(SaleAudit.drainLimit.text)"
        )
    }

    private func reconcile(_ stores: BenchStores) async throws -> [Check] {
        var progress: ProgressBar?
        let report = try await Reconciler(hotPath: stores.hotPath, postgres: stores.postgres).run { done, total in
            if progress == nil { progress = ProgressBar("comparing users", total: total) }
            progress?.update(done)
        }
        progress?.finish()
        return report.checks.map { check in
            Check(
                promise: check.text,
                holds: check.holds,
                detail: check.holds ? "\(check.checked) checked" : check.examples.first ?? "\(check.violations) wrong"
            )
        }
    }
}

// MARK: - Through the API

extension SaleAudit {
    /// The users of the sample, the same before and after.
    private func sampled() -> [Int] {
        var random = SplitMix64(seed: seed)
        return Array((0..<answers.users).shuffled(using: &random).prefix(SaleAudit.sample))
    }

    /// The credit that each user can still spend.
    private func credit(of users: [Int]) async throws -> [Int: Int] {
        var credit: [Int: Int] = [:]
        for user in users {
            credit[user] = try await target.caller.me(token: target.tokens.text(user)).credit.available
        }
        return credit
    }

    /// A user of the sample who was accepted was charged the price and has the coupon. Every other user was charged nothing.
    private func sample(_ before: Before) async throws -> Check {
        let api = target.caller
        let after = try await credit(of: before.credit.keys.sorted())
        var wrong: [String] = []
        var checked = 0
        for (user, credit) in before.credit.sorted(by: { $0.key < $1.key }) {
            let marks = answers[user]
            let accepted = marks.contains(.accepted)
            if marks.contains(.unknown), !accepted { continue }
            let owned = try await api.redemptions(token: target.tokens.text(user)).redemptions
                .count(where: { $0.coupon == target.coupon.description })
            let charged = credit - (after[user] ?? 0)
            checked += 1
            if charged != (accepted ? before.price : 0) || accepted && owned != 1 {
                wrong.append(
                    "user \(user) was \(accepted ? "" : "not ")accepted, charged \(charged), has the coupon \(owned) times"
                )
            }
        }
        return Check(
            promise: "credit and redemptions of users are as they were answered",
            holds: wrong.isEmpty,
            detail: wrong.first ?? "\(checked) users looked up"
        )
    }
}
