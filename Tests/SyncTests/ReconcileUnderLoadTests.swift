import Domain
import HotPath
import Persistence
import PostgresClient
import Synchronization
import TestSupport
import Testing

@testable import Sync

/// Work in flight is never called drift: redemptions, landing, settling, grants, restocks, new coupons, new users, and what
/// operators decide about quarantine, all at once beside comparisons.
@Suite(.serialized) struct ReconcileUnderLoadTests {
    private static let duration: Duration = .seconds(6)
    private static let coupons = ["a", "b", "c", "d"]
    private static let users = 150

    private struct Load: Sendable {
        let env: SyncEnvironment
        let people: [(user: UserID, session: SessionID)]
        let redeemed = Counts()
        let isEnough: @Sendable (Counts) -> Bool
        let began = ContinuousClock.now

        /// On a slow machine until there was enough of everything, a minute at most.
        var goesOn: Bool {
            let passed = ContinuousClock.now - began
            let isOver = passed >= .seconds(60) || passed >= ReconcileUnderLoadTests.duration && isEnough(redeemed)
            return !isOver && !Task.isCancelled
        }
    }

    private final class Counts: Sendable {
        let accepted = Atomic(0)
        let comparisons = Atomic(0)
        let decisions = Atomic(0)

        func count(of counter: Counter) -> Int {
            switch counter {
            case .accepted: accepted.load(ordering: .relaxed)
            case .comparisons: comparisons.load(ordering: .relaxed)
            case .decisions: decisions.load(ordering: .relaxed)
            }
        }

        enum Counter { case accepted, comparisons, decisions }
    }

    private func prepare(_ env: SyncEnvironment, isEnough: @escaping @Sendable (Counts) -> Bool) async throws -> Load {
        for id in ReconcileUnderLoadTests.coupons { try await env.coupon(id, price: 1, total: 50) }
        var users: [UserID] = []
        for number in 0..<ReconcileUnderLoadTests.users { users.append(try await env.user("u\(number)", credit: 3)) }
        var people: [(user: UserID, session: SessionID)] = []
        for user in users { people.append((user, try await env.login(user))) }
        return Load(env: env, people: people, isEnough: isEnough)
    }

    private func redeem(_ load: Load, _ coupons: [String]) async throws {
        while load.goesOn {
            let person = load.people.randomElement()!
            let coupon = CouponID(coupons.randomElement()!)!
            if case .accepted = try await load.env.redeem(person.user, person.session, coupon) {
                load.redeemed.accepted.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    private func operate(_ load: Load) async throws {
        var number = 0
        while load.goesOn {
            number += 1
            let user = load.people.randomElement()!.user
            let coupon = CouponID(ReconcileUnderLoadTests.coupons.randomElement()!)!
            _ = try await load.env.postgres.withConnection {
                _ = try $0.grantCredit(to: user, amount: 1, reason: "test", actor: "test")
                _ = try $0.restockCoupon(coupon, by: 1, actor: "test")
                _ = try $0.setCouponState(coupon, .paused, actor: "test")
                _ = try $0.setCouponState(coupon, .active, actor: "test")
            }
            if number.isMultiple(of: 10) {
                try await load.env.coupon("new-\(number)", price: 1, total: 5)
                _ = try await load.env.login(try await load.env.user("new-\(number)", credit: 3))
            }
        }
    }

    /// Small pages and large ones meet other moments.
    private func compare(_ load: Load, usersPerPage: Int, rowsPerPage: Int?, _ judge: (ReconcileReport) -> Void) async throws {
        let pace = ReconcilePace(usersPerPage: usersPerPage, rowsPerPage: rowsPerPage, rest: 0, outboxLimit: .max)
        let reconciler = Reconciler(hotPath: load.env.hotPath, postgres: load.env.postgres, shard: nil, pace: pace)
        while load.goesOn {
            judge(try await reconciler.run())
            load.redeemed.comparisons.wrappingAdd(1, ordering: .relaxed)
        }
    }

    @Test func aLiveSystemHasNoDrift() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker {
                try await env.untilOpen(1)
                let load = try await prepare(env) { $0.count(of: .accepted) > 200 && $0.count(of: .comparisons) > 10 }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { try await redeem(load, ReconcileUnderLoadTests.coupons) } }
                    group.addTask { try await operate(load) }
                    for (usersPerPage, rowsPerPage) in [(7, 20), (500, nil)] {
                        group.addTask {
                            try await compare(load, usersPerPage: usersPerPage, rowsPerPage: rowsPerPage) { report in
                                #expect(report.holds, "\(report.checks.flatMap(\.examples))")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(load.isEnough(load.redeemed))
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    /// Every redemption of one coupon is refused by Postgres, and operators drop it or land it after all. What is in quarantine is
    /// told, and nothing else is.
    @Test func whatIsInQuarantineIsToldAsThat() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker {
                try await env.untilOpen(1)
                let load = try await prepare(env) { $0.count(of: .decisions) > 20 && $0.count(of: .comparisons) > 5 }
                try await env.coupon("bad", price: 1, total: 1_000)
                try await until("told") { try await env.store.stock(of: [CouponID("bad")!]).count == 1 }
                let refuse = """
                    create function refuse() returns trigger language plpgsql as $$ begin
                        if new.coupon_id = 'bad' and coalesce(current_setting('test.lets', true), '') = '' then
                            raise exception 'refused' using errcode = '23514';
                        end if;
                        return new;
                    end $$;
                    create trigger refuse before insert on redemptions for each row execute function refuse()
                    """
                try await env.postgres.withConnection { try $0.script(refuse) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<2 { group.addTask { try await redeem(load, ["bad", "a", "b"]) } }
                    group.addTask { try await operate(load) }
                    group.addTask { try await decide(load) }
                    group.addTask {
                        try await compare(load, usersPerPage: 50, rowsPerPage: 20) { report in
                            let others = report.checks.flatMap(\.kept).filter { $0.remedy.name != "quarantine" }
                            #expect(others.isEmpty, "\(others.map(\.text))")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(load.isEnough(load.redeemed))
                try await env.untilDrained()
                try await decide(load, once: true)
                let last = try await env.postgres.withConnection { try $0.lastControlSequence() }
                try await until("applied") { try await env.store.status().control == last }
                try await env.holds()
            }
        }
    }

    /// Drops every other one, and lands the rest.
    private func decide(_ load: Load, once: Bool = false) async throws {
        repeat {
            let count = try await load.env.postgres.withConnection { connection in
                let ids = try connection.quarantined(QuarantineFilter(), after: 0, limit: 100).map(\.id)
                guard !ids.isEmpty else { return 0 }
                _ = try connection.dropQuarantined(ids.filter { $0.isMultiple(of: 2) }, reason: "test", actor: "test")
                try connection.script("set test.lets = 'all'")
                for id in ids where !id.isMultiple(of: 2) {
                    guard case .landed = try connection.retryQuarantined(id) else { throw TestFailure("not landed") }
                }
                try connection.script("reset test.lets")
                return ids.count
            }
            load.redeemed.decisions.wrappingAdd(count, ordering: .relaxed)
            if !once { try await Task.sleep(for: .milliseconds(5)) }
        } while load.goesOn && !once
    }
}
