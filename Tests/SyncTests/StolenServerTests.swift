import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// What somebody does who has taken over a server, and with it the right to write into the outbox past the script.
@Suite(.serialized) struct StolenServerTests {
    private func missing(_ env: SyncEnvironment) async throws -> [String] {
        let report = try await Reconciler(hotPath: env.hotPath, postgres: env.postgres).run()
        return report.checks.filter { $0.invariant == 4 }.flatMap(\.examples)
    }

    @Test func entriesThatAreDeletedAreMissed() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let (early, late) = (try await env.user("early"), try await env.user("late"))
            let session = try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(late)
                _ = try await env.redeem(early, try await env.login(early), coupon)
                try await env.untilDrained()
                try await env.holds()
                return session
            }
            // Nobody owns the shard, which is open: nothing of this is in Postgres.
            guard case .accepted = try await env.redeem(late, session, coupon) else { throw TestFailure("not accepted") }
            _ = try await env.client.send(["XADD", "{s0}:outbox", "MAXLEN", "0", "*", "a", "b"])
            #expect(try await env.store.status().missingEntries == 2)

            let log = KeptLog()
            try await env.withWorker(logger: log.logger) {
                try await until("an alarm") {
                    log.errors.contains(
                        "somebody deleted entries from the outbox; `redeem reconcile` says which redemptions Redis alone has entries=2"
                    )
                }
                #expect(
                    try await missing(env).contains(
                        "shard s0: 2 entries were deleted from the outbox before they were settled"
                    )
                )
                #expect(try await env.rows() == 1)

                // Further ones, while it is at work.
                _ = try await env.client.send(["XADD", "{s0}:outbox", "MAXLEN", "0", "*", "a", "b"])
                try await until("another alarm") {
                    log.errors.contains { $0.hasPrefix("somebody deleted") && $0.hasSuffix("entries=3") }
                }

                // What was promised is decided first; then a rebuild begins to count again.
                let repairer = Repairer(hotPath: env.hotPath, postgres: env.postgres, actor: "test")
                for _ in 0..<2 {
                    let report = try await Reconciler(hotPath: env.hotPath, postgres: env.postgres).run()
                    try await repairer.perform(RepairPlan(report)) { _ in }
                    let ids = try await env.postgres.withConnection { connection in
                        try connection.quarantined(QuarantineFilter(), after: 0, limit: 10).map(\.id)
                    }
                    for id in ids { _ = try await env.postgres.withConnection { try $0.retryQuarantined(id) } }
                }
                #expect(try await env.rows() == 2)
                try await env.untilOpen(2)
                try await env.holds()
                #expect(try await env.store.status().missingEntries ?? 0 == 0)
            }
        }
    }

    /// The price that a user is charged is the coupon's, whatever Redis says.
    @Test(arguments: [1, 10_000])
    func nobodyIsChargedAnotherPrice(price: Int) async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", price: 10)
            let (one, other) = (try await env.user("one", credit: 100_000), try await env.user("other", credit: 100_000))
            let log = KeptLog()
            try await env.withWorker(logger: log.logger) {
                try await env.untilOpen(1)
                let session = try await env.login(one)
                let invented = ["epoch", "1", "coupon", "sale", "price", "\(price)", "\(other)", "7123-8123-456789abcdef"]
                _ = try await env.client.send(["XADD", "{s0}:outbox", "*"] + invented)
                _ = try await env.client.send(["HSET", "{s0}:coupon:sale", "price", "\(price)"])
                guard case .accepted = try await env.redeem(one, session, coupon) else { throw TestFailure("not accepted") }
                try await until("both are in quarantine") {
                    try await env.postgres.withConnection { try $0.quarantineCount() } == 2
                }
                #expect(try await env.rows() == 0)
                #expect(log.errors.contains { $0.contains("in quarantine") }, "\(log.errors)")
                let held = try await env.postgres.withConnection { connection in
                    try connection.quarantined(QuarantineFilter(reason: "the price \(price); sale costs 10"), after: 0, limit: 10)
                }
                #expect(held.count == 2)
                for entry in held {
                    guard case .refused(let reason) = try await env.postgres.withConnection({ try $0.retryQuarantined(entry.id) })
                    else { throw TestFailure("landed") }
                    #expect(reason.contains("the price \(price)"))
                }
            }
        }
    }
}
