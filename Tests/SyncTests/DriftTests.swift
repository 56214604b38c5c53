import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// Drift of each kind, planted by hand: it is reported, and mended where that is safe.
@Suite(.serialized) struct DriftTests {
    /// Something that no code of ours does.
    struct Plant: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Those that are broken by it.
        let invariants: Set<Int>
        let remedies: Set<String>
        let plant: @Sendable (Sale) async throws -> Void
    }

    /// A shard with a worker, and two users who have each redeemed `sale` (price 10, of 100), settled.
    struct Sale: Sendable {
        let env: SyncEnvironment
        let coupon: CouponID
        let jo: UserID
        let al: UserID

        func redis(_ arguments: String...) async throws { _ = try await env.client.send(arguments) }

        func postgres(_ sql: String) async throws {
            try await env.postgres.withConnection { try $0.script(sql) }
        }

        func edit(_ user: UserID, _ change: (inout UserRecord) -> Void) async throws {
            try await env.client.edit(user, Keys(env.store.shard), change)
        }
    }

    private func withSale(_ body: (Sale) async throws -> Void) async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let sale = Sale(env: env, coupon: coupon, jo: try await env.user("jo"), al: try await env.user("al"))
            var configuration = SyncConfiguration()
            // The owner would mend it before anybody has looked.
            configuration.couponCheckInterval = .seconds(600)
            try await env.withWorker(configuration) {
                try await env.untilOpen(1)
                for user in [sale.jo, sale.al] {
                    guard case .accepted = try await env.redeem(user, try await env.login(user), coupon) else {
                        throw TestFailure("not accepted")
                    }
                }
                try await env.untilDrained()
                try await env.holds()
                try await body(sale)
            }
        }
    }

    /// Redis has parted from Postgres, which has all: a rebuild mends it.
    static let mendedByARebuild = [
        Plant(testDescription: "credit out of nowhere", invariants: [3], remedies: ["rebuild"]) { sale in
            try await sale.edit(sale.jo) { $0.available += 5 }
        },
        Plant(testDescription: "a redemption that Redis forgot", invariants: [4], remedies: ["rebuild"]) { sale in
            try await sale.edit(sale.jo) { $0.redemptions = [:] }
        },
        Plant(testDescription: "a redemption that is none", invariants: [4], remedies: ["rebuild"]) { sale in
            try await sale.edit(sale.jo) { $0.unreadable = ["other=what"] }
        },
        Plant(testDescription: "a record that is none", invariants: [3, 4], remedies: ["rebuild"]) { sale in
            try await sale.env.client.set(sale.jo, Keys(sale.env.store.shard), Array("what".utf8))
        },
        Plant(testDescription: "stock out of nowhere", invariants: [5], remedies: ["rebuild"]) { sale in
            try await sale.redis("HINCRBY", "{s0}:coupon:sale", "left", "3")
        },
        Plant(testDescription: "a coupon that is gone", invariants: [5], remedies: ["rebuild"]) { sale in
            try await sale.redis("DEL", "{s0}:coupon:sale")
        },
        Plant(testDescription: "another price", invariants: [5], remedies: ["rebuild"]) { sale in
            try await sale.redis("HSET", "{s0}:coupon:sale", "price", "1")
        },
        Plant(testDescription: "another end of the sale", invariants: [5], remedies: ["rebuild"]) { sale in
            try await sale.postgres("update coupons set ends_at = '2999-01-01'")
        },
        Plant(testDescription: "a pause that came from nowhere", invariants: [5], remedies: ["rebuild"]) { sale in
            try await sale.redis("HSET", "{s0}:coupon:sale", "state", "paused")
        },
        Plant(testDescription: "a row that came by hand", invariants: [4, 3, 5], remedies: ["rebuild"]) { sale in
            let other = try await sale.env.coupon("other")
            try await until("told") { try await sale.env.store.stock(of: [other])[other] == 100 }
            try await sale.postgres(
                """
                insert into redemptions select '01890000-0000-7000-8000-000000000001', id, 'other', 10, now(), 0, 1, '1-1'
                from users where username = 'jo';
                update coupons set redeemed = 1 where id = 'other'
                """
            )
        },
        Plant(testDescription: "a count that is too high", invariants: [1], remedies: ["recount"]) { sale in
            try await sale.postgres("update coupons set redeemed = redeemed + 1")
        },
        Plant(testDescription: "a count that is too low", invariants: [1], remedies: ["recount"]) { sale in
            try await sale.postgres("update coupons set redeemed = 0")
        },
        Plant(testDescription: "count and stock", invariants: [1, 5], remedies: ["rebuild", "recount"]) { sale in
            try await sale.postgres("update coupons set redeemed = redeemed + 1")
            try await sale.redis("HINCRBY", "{s0}:coupon:sale", "left", "-1")
        },
    ]

    @Test(arguments: mendedByARebuild)
    func isReportedAndMended(_ plant: Plant) async throws {
        try await withSale { sale in
            try await plant.plant(sale)
            let report = try await sale.report()
            #expect(report.broken == plant.invariants, "\(report.words)")
            #expect(report.remedyNames == plant.remedies)
            let plan = RepairPlan(report)
            #expect(plan.undecided.isEmpty)
            try await sale.repair(plan)
            try await sale.env.holds()
            #expect(try await sale.env.rows() == (plant.testDescription == "a row that came by hand" ? 3 : 2))
            // It goes on.
            let user = try await sale.env.user("new")
            guard case .accepted = try await sale.env.redeem(user, try await sale.env.login(user), sale.coupon) else {
                Issue.record("not accepted")
                return
            }
            try await sale.env.untilDrained()
            try await sale.env.holds()
        }
    }

    static let leftToOperators = [
        Plant(testDescription: "a grant that was deleted", invariants: [3], remedies: ["by_hand"]) { sale in
            try await sale.postgres("delete from credit_grants using users where user_id = users.id and username = 'jo'")
        },
        Plant(testDescription: "a total below the rows", invariants: [1, 5], remedies: ["by_hand"]) { sale in
            try await sale.postgres("alter table coupons drop constraint coupons_redeemed_range; update coupons set total = 1")
        },
        Plant(
            testDescription: "two rows of a user and coupon",
            invariants: [2, 1, 3, 4, 5],
            remedies: ["by_hand", "rebuild", "recount"]
        ) {
            sale in
            try await sale.postgres(
                """
                alter table redemptions drop constraint redemptions_once;
                insert into redemptions select '01890000-0000-7000-8000-000000000001', user_id, coupon_id, 10, now(), 0, 1, '1-1'
                from redemptions limit 1
                """
            )
        },
        Plant(testDescription: "a user who was deleted", invariants: [3, 4], remedies: ["by_hand"]) { sale in
            try await sale.postgres("delete from credit_grants; delete from users")
        },
        Plant(testDescription: "something in quarantine", invariants: [4], remedies: ["quarantine"]) { sale in
            try await sale.postgres(
                """
                insert into quarantine (shard, epoch, stream_id, entry, reason) values (0, 1, '1-1', '{"fields": ["x"]}', 'no entry')
                """
            )
        },
    ]

    @Test(arguments: leftToOperators)
    func isReported(_ plant: Plant) async throws {
        try await withSale { sale in
            try await plant.plant(sale)
            let report = try await sale.report()
            #expect(report.broken == plant.invariants, "\(report.words)")
            #expect(report.remedyNames == plant.remedies)
        }
    }

    /// Acknowledged, and lost between Redis and Postgres: the evidence goes to quarantine, and nothing is rebuilt over it.
    @Test func whatOnlyRedisHasIsKeptForADecision() async throws {
        try await withSale { sale in
            let id = try await sale.redemption(of: sale.jo)
            try await sale.postgres("delete from redemptions where id = '\(id)'")
            var report = try await sale.report()
            #expect(report.broken == [1, 3, 4, 5], "\(report.words)")
            #expect(report.unaccounted.map(\.id) == [id])
            var plan = RepairPlan(report)
            #expect(plan.rebuilds.isEmpty)
            #expect(plan.undecided == [Shard(index: 0)])
            #expect(plan.recounts == [sale.coupon])
            try await sale.repair(plan)
            #expect(try await sale.env.store.status().epoch == Epoch(1))
            #expect(try await sale.env.store.redemptions(of: sale.jo) == [sale.coupon: id])
            // Once is enough.
            try await sale.repair(plan)
            let quarantined = try await sale.quarantined()
            #expect(quarantined.map(\.reason) == [OwnedShard.salvageReason])
            let expected = Redemption(id: id, user: sale.jo, coupon: sale.coupon, price: 10)
            #expect(quarantined.map(\.content) == [.redemption(expected)])
            report = try await sale.report()
            #expect(report.broken == [3, 4, 5])
            #expect(report.remedyNames == ["quarantine"])
            plan = RepairPlan(report)
            #expect(plan.isEmpty)

            let retried = try await sale.env.postgres.withConnection { try $0.retryQuarantined(quarantined[0].id) }
            #expect(retried == .landed(id))
            try await sale.env.holds()
        }
    }

    /// The other decision: what Redis took is given back, without a rebuild.
    @Test func whatIsDroppedIsGivenBack() async throws {
        try await withSale { sale in
            let id = try await sale.redemption(of: sale.jo)
            try await sale.postgres("delete from redemptions where id = '\(id)'; update coupons set redeemed = 1")
            try await sale.repair(RepairPlan(try await sale.report()))
            let entry = try #require(try await sale.quarantined().first)
            let drops = try await sale.env.postgres.withConnection {
                try $0.dropQuarantined([entry.id], reason: "test", actor: "test")
            }
            guard case .givenBack(let control)? = drops[entry.id] else {
                Issue.record("\(drops)")
                return
            }
            try await until("applied") { try await sale.env.store.status().control == control }
            try await sale.env.holds()
            #expect(try await sale.env.store.credit(of: sale.jo) == Credit(available: 100, held: 0))
            #expect(try await sale.env.store.stock(of: [sale.coupon]) == [sale.coupon: 99])
            guard case .accepted = try await sale.env.redeem(sale.jo, try await sale.env.login(sale.jo), sale.coupon) else {
                Issue.record("not accepted again")
                return
            }
            try await sale.env.untilDrained()
            try await sale.env.holds()
            #expect(try await sale.env.store.status().epoch == Epoch(1))
        }
    }

    /// Redis may hear of a drop before it has settled the entry that held what was dropped, or long after.
    @Test func aDropIsNoDriftWhateverRedisHasHeardOfIt() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let jo = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.redeem(jo, try await env.login(jo), coupon)
            let shard = env.store.shard
            let read = try await env.store.readOutbox(after: .zero, count: 10)
            let entries = read.compactMap { if case .entry(let entry) = $0 { entry } else { nil } }
            let before = try await env.postgres.withConnection { connection in
                try connection.script("alter table redemptions add constraint none check (price < 0)")
                let cursor = try #require(try connection.cursor(of: shard))
                let result = try connection.land(
                    LandingBatch(shard: shard, cursor: cursor, entries: entries, last: try #require(entries.last).id)
                )
                #expect(result.quarantined == 1)
                let id = try connection.quarantined(QuarantineFilter(), after: 0, limit: 1)[0].id
                let before = try connection.lastControlSequence()
                #expect(
                    try connection.dropQuarantined([id], reason: "test", actor: "test") == [id: .givenBack(control: before + 1)]
                )
                return before
            }
            try await env.holds()
            let logged = try #require(
                try await env.postgres.withConnection { try $0.controlEntries(after: before, limit: 1) }.first
            )
            let entry = try #require(logged.entry)
            #expect(try await env.store.applyControl(entry, mark: logged.mark, epoch: Epoch(1)) == .applied)
            #expect(try await env.store.credit(of: jo) == Credit(available: 100, held: 0))
            try await env.holds()
            try await env.withWorker {
                try await env.untilDrained()
                #expect(try await env.store.credit(of: jo) == Credit(available: 100, held: 0))
                try await env.holds()
            }
        }
    }

    /// A redemption that somebody wrote into Redis took neither credit nor stock: giving it up leaves drift, which is mended then.
    @Test func whatNobodyPaidForCanBeGivenUp() async throws {
        try await withSale { sale in
            let other = try await sale.env.coupon("other")
            try await until("told") { try await sale.env.store.stock(of: [other])[other] == 100 }
            let id = RedemptionID(uuid: UUIDv7(milliseconds: 5))
            try await sale.edit(sale.jo) { $0.redemptions[other] = id }
            // Beside drift that a rebuild would mend.
            try await sale.edit(sale.al) { $0.available += 1 }
            try await sale.repair(RepairPlan(try await sale.report()))
            #expect(try await sale.env.store.credit(of: sale.al)?.available == 91)
            let entry = try #require(try await sale.quarantined().first)
            _ = try await sale.env.postgres.withConnection { try $0.dropQuarantined([entry.id], reason: "test", actor: "test") }
            try await sale.untilControlIsApplied()
            let report = try await sale.report()
            #expect(report.remedyNames == ["rebuild"], "\(report.words)")
            try await sale.repair(RepairPlan(report))
            try await sale.env.holds()
            #expect(try await sale.env.store.status().epoch == Epoch(2))
        }
    }

    /// Postgres is older than Redis by a whole user.
    @Test func aUserWhomPostgresDoesNotKnow() async throws {
        try await withSale { sale in
            let id = try await sale.redemption(of: sale.jo)
            try await sale.postgres(
                """
                delete from redemptions where id = '\(id)'; update coupons set redeemed = 1;
                delete from credit_grants where user_id = '\(sale.jo)'; delete from users where id = '\(sale.jo)'
                """
            )
            let report = try await sale.report()
            #expect(report.broken == [3, 4, 5], "\(report.words)")
            #expect(report.unaccounted.map(\.id) == [id])
            #expect(RepairPlan(report).rebuilds.isEmpty)
        }
    }

    /// Somebody deleted what was not landed yet. The worker is away, so that it does not land it first.
    @Test func anEntryThatWasDeletedFromTheOutbox() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let jo = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            guard case .accepted(let redemption) = try await env.redeem(jo, try await env.login(jo), coupon) else {
                Issue.record("not accepted")
                return
            }
            try await env.holds()
            let entry = try #require(try await env.store.readOutbox(after: .zero, count: 1).first)
            _ = try await env.client.send(["XDEL", "{s0}:outbox", "\(entry.id)"])
            let sale = Sale(env: env, coupon: coupon, jo: jo, al: jo)
            let report = try await sale.report()
            #expect(report.broken == [3, 4, 5], "\(report.words)")
            #expect(report.unaccounted.map(\.redemption) == [redemption])
            try await sale.repair(RepairPlan(report))
            let quarantined = try await sale.quarantined()
            #expect(quarantined.map(\.content) == [.redemption(redemption)])
            _ = try await env.postgres.withConnection { try $0.retryQuarantined(quarantined[0].id) }
            // Landed; and the stream lacks it until the next epoch.
            let later = try await sale.report()
            #expect(later.broken == [4], "\(later.words)")
            try await env.withWorker {
                try await sale.repair(RepairPlan(later))
                try await env.holds()
                #expect(try await env.rows() == 1)
            }
        }
    }

    /// Whose user Redis has lost: a rebuild lands what the outbox holds.
    @Test func aUserWhoIsGoneWithSomethingInTheOutbox() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let jo = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.redeem(jo, try await env.login(jo), coupon)
            let sale = Sale(env: env, coupon: coupon, jo: jo, al: jo)
            try await sale.env.client.forget(jo, Keys(env.store.shard))
            let report = try await sale.report()
            #expect(report.broken == [4], "\(report.words)")
            let plan = RepairPlan(report)
            #expect(plan.rebuilds == [Shard(index: 0)])
            // Nobody is there to do it; anyone who comes does.
            let repairer = Repairer(hotPath: env.hotPath, postgres: env.postgres, actor: "test", patience: .milliseconds(200))
            await #expect(throws: RepairError.self) { try await repairer.perform(plan) { _ in } }
            try await env.withWorker {
                try await env.untilOpen(2)
                try await env.holds()
                #expect(try await env.rows() == 1)
            }
            #expect(try await env.store.status().epoch == Epoch(2))
        }
    }

    @Test func aShardThatIsClosedOrOfAnotherEpochIsItsOwners() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let sale = Sale(env: env, coupon: coupon, jo: try await env.user("jo"), al: try await env.user("al"))
            #expect(try await sale.report().broken == [6])
            try await env.withWorker { try await env.untilOpen(1) }
            try await env.holds()
            try await sale.redis("SCRIPT", "FLUSH")
            let closed = try await sale.report()
            #expect(closed.broken == [7])
            #expect(closed.remedyNames == ["owner"])
            try await sale.redis("HSET", "{s0}:record", "epoch", "9")
            let other = try await sale.report()
            #expect(other.broken == [6])
            #expect(other.remedyNames == ["owner"])
            #expect(RepairPlan(other).isEmpty)
        }
    }

    /// Asked twice, and rebuilt for another reason in between: each entry is counted once, by the rebuild that comes after it.
    @Test func aRebuildIsAskedForOnce() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker { try await env.untilOpen(1) }
            let shard = env.store.shard
            for _ in 0..<2 { _ = try await env.postgres.withConnection { try $0.askForRebuild(of: shard, actor: "test") } }
            try await env.withWorker {
                try await env.untilOpen(2)
                let coupon = try await env.coupon("sale")
                try await until("the log goes on") { try await env.store.stock(of: [coupon])[coupon] == 100 }
                #expect(try await env.store.status().epoch == Epoch(2))
            }
            _ = try await env.postgres.withConnection { try $0.askForRebuild(of: shard, actor: "test") }
            _ = try await env.client.send(["FLUSHALL"])
            try await env.withWorker {
                try await env.untilOpen(3)
                let coupon = try await env.coupon("next")
                try await until("the log goes on") { try await env.store.stock(of: [coupon])[coupon] == 100 }
                #expect(try await env.store.status().epoch == Epoch(3))
            }
        }
    }
}

extension ReconcileReport {
    fileprivate var broken: Set<Int> { Set(checks.filter { !$0.holds }.map(\.invariant)) }
    fileprivate var remedyNames: Set<String> { Set(remedies.keys.map(\.name)) }
    fileprivate var words: [String] { checks.flatMap(\.examples) }
}

extension DriftTests.Sale {
    fileprivate func report() async throws -> ReconcileReport {
        try await Reconciler(hotPath: env.hotPath, postgres: env.postgres).run()
    }

    fileprivate func repair(_ plan: RepairPlan) async throws {
        try await Repairer(hotPath: env.hotPath, postgres: env.postgres, actor: "test").perform(plan) { _ in }
    }

    fileprivate func redemption(of user: UserID) async throws -> RedemptionID {
        try #require(try await env.store.redemptions(of: user)?[coupon])
    }

    fileprivate func quarantined() async throws -> [QuarantinedEntry] {
        try await env.postgres.withConnection { try $0.quarantined(QuarantineFilter(), after: 0, limit: 100) }
    }

    fileprivate func untilControlIsApplied() async throws {
        let last = try await env.postgres.withConnection { try $0.lastControlSequence() }
        try await until("applied") { try await env.store.status().control == last }
    }
}
