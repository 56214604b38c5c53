import CoreMetrics
import Domain
import HotPath
import Logging
import Metrics
import MetricsTestKit
import Persistence
import PostgresClient
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import Sync

/// The owner compares its shard again and again, and tells.
@Suite(.serialized) struct ContinuousReconcileTests {
    @Test func tellsWhenDriftAppearsAndGoes() async throws {
        let metrics = TestMetrics()
        let log = KeptLog()
        try await withMetricsFactory(metrics) {
            try await SyncEnvironment.with { env in
                let coupon = try await env.coupon("sale")
                var configuration = SyncConfiguration()
                configuration.reconcileInterval = .milliseconds(50)
                try await env.withWorker(configuration, logger: log.logger) {
                    try await env.untilOpen(1)
                    let user = try await env.user("jo")
                    _ = try await env.redeem(user, try await env.login(user), coupon)
                    try await until("compared") { metrics.runs("holds") >= 2 }
                    #expect(metrics.drift() == Array(repeating: 0, count: 7))
                    #expect(log.errors.isEmpty)

                    _ = try await env.client.send(["HINCRBY", "{s0}:coupon:sale", "left", "1"])
                    try await until("seen") { metrics.runs("drift") >= 2 }
                    #expect(metrics.drift() == [0, 0, 0, 0, 1, 0, 0])
                    // Once, not with each comparison.
                    #expect(log.errors.count == 1)
                    #expect(log.errors.first?.contains("invariant_5=1 wrong: sale: left 100") == true, "\(log.errors)")

                    let repairer = Repairer(hotPath: env.hotPath, postgres: env.postgres, actor: "test")
                    let report = try await Reconciler(hotPath: env.hotPath, postgres: env.postgres).run()
                    try await repairer.perform(RepairPlan(report)) { _ in }
                    let before = metrics.runs("holds")
                    try await until("agree again") { metrics.runs("holds") > before }
                    #expect(metrics.drift() == Array(repeating: 0, count: 7))
                    #expect(log.errors.count == 1)
                    let finished = try metrics.expectGauge("redeem_reconcile_finished_timestamp_seconds", [("shard", "s0")])
                    let age = Double(Timestamp.now().milliseconds) / 1000 - (finished.lastValue ?? 0)
                    #expect((-1...10).contains(age))
                }
            }
        }
    }

    /// The owner counts rows a page at a time, and sees what a count at once would.
    @Test func aRowThatIsGoneIsSeen() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            try await env.withWorker {
                try await env.untilOpen(1)
                for name in ["jo", "al", "bo"] {
                    let user = try await env.user(name)
                    _ = try await env.redeem(user, try await env.login(user), coupon)
                }
                try await env.untilDrained()
            }
            for rows in [1, 2, 100] {
                let pace = ReconcilePace(usersPerPage: 1, rowsPerPage: rows, rest: 0, outboxLimit: .max)
                let reconciler = Reconciler(hotPath: env.hotPath, postgres: env.postgres, shard: env.store.shard, pace: pace)
                #expect(try await reconciler.run().checks[0].holds)
                let kept = """
                    create table kept as table redemptions;
                    delete from redemptions where id = (select id from kept limit 1)
                    """
                try await env.postgres.withConnection { try $0.script(kept) }
                let report = try await reconciler.run()
                #expect(report.checks[0].examples == ["sale: 2 rows, counted 3, total 100"])
                let back = "truncate redemptions; insert into redemptions table kept; drop table kept"
                try await env.postgres.withConnection { try $0.script(back) }
            }
        }
    }

    @Test func canBeTurnedOff() async throws {
        let metrics = TestMetrics()
        try await withMetricsFactory(metrics) {
            try await SyncEnvironment.with { env in
                var configuration = SyncConfiguration()
                configuration.reconcileInterval = nil
                try await env.withWorker(configuration) { try await env.untilOpen(1) }
            }
        }
        #expect(metrics.runs("holds") == 0)
        #expect(throws: (any Error).self) { try metrics.expectGauge("redeem_drift", [("shard", "s0"), ("invariant", "5")]) }
    }

    /// Each page reads the outbox, so a long one is waited for.
    @Test func waitsForALongOutbox() async throws {
        try await SyncEnvironment.with { env in
            for _ in 0..<3 { _ = try await env.client.send(["XADD", "{s0}:outbox", "*", "a", "b"]) }
            let pace = ReconcilePace(usersPerPage: 10, rowsPerPage: 10, rest: 0, outboxLimit: 2)
            let isAdmitted = Atomic(false)
            let waiting = Task {
                try await pace.admit(env.store)
                isAdmitted.store(true, ordering: .relaxed)
            }
            func looks() async throws -> Int {
                let statistics = try await env.client.send(["INFO", "commandstats"]).info["cmdstat_xlen"]
                return statistics?.firstMatch(of: /calls=(\d+)/).flatMap { Int($0.output.1) } ?? 0
            }
            try await until("it has seen the outbox, and looked again") { try await looks() > 1 }
            let isEarly = isAdmitted.load(ordering: .relaxed)
            #expect(!isEarly)
            _ = try await env.client.send(["XTRIM", "{s0}:outbox", "MAXLEN", "2"])
            try await until("admitted") { isAdmitted.load(ordering: .relaxed) }
            try await waiting.value
        }
    }
}

extension TestMetrics {
    fileprivate func runs(_ outcome: String) -> Int64 {
        let counter = try? expectCounter("redeem_reconcile_runs_total", [("shard", "s0"), ("outcome", outcome)])
        return counter?.totalValue ?? 0
    }

    /// By invariant.
    fileprivate func drift() -> [Double] {
        (1...7).map { invariant in
            let gauge = try? expectGauge("redeem_drift", [("shard", "s0"), ("invariant", "\(invariant)")])
            return gauge?.lastValue ?? -1
        }
    }
}
