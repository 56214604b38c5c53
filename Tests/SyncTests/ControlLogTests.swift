import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// Rows of the control log that nobody can have written by this program: what comes behind them reaches Redis all the same.
@Suite(.serialized) struct ControlLogTests {
    @Test(arguments: [
        "(2, 'credit_granted', '{}')", "(2, 'credit_granted', '[]')", "(2, 'credit_granted', '7')",
        "(2, 'credit_granted', '{\"user\": \"x\", \"amount\": 5}')",
        "(2, 'coupon_restocked', '{\"coupon\": \"sale\", \"amount\": -5}')",
        "(2, 'coupon_restocked', '{\"coupon\": \"sale\", \"amount\": 1.5}')",
        "(2, 'coupon_restocked', '{\"coupon\": \"sale\", \"amount\": 1e300}')",
        "(2, 'coupon_state', '{\"coupon\": \"sale\", \"state\": \"gone\"}')", "(2, 'coupon_created', '{\"coupon\": \"X Y\"}')",
        "(2, 'user_sessions_revoked', '{}')", "(2, 'sessions_revoked', '{\"before\": \"soon\"}')",
        "(2, 'shard_rebuild', '{\"shard\": -1}')", "(2, 'redemption_dropped', '{\"price\": null}')",
        "(2, 'of_a_later_version', '{}')",
        // One before it is missing.
        "(7, 'coupon_restocked', '{\"coupon\": \"sale\", \"amount\": 1}')",
    ])
    func whatCannotBeReadStopsNothing(_ values: String) async throws {
        let log = KeptLog()
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            try await env.withWorker(logger: log.logger) {
                try await env.untilOpen(1)
                let row = values.dropFirst().dropLast()
                try await env.postgres.withConnection {
                    try $0.script(
                        """
                        alter table control_log drop constraint control_log_kind;
                        insert into control_log (seq, kind, payload, actor) values (\(row), 'somebody')
                        """
                    )
                }
                _ = try await env.postgres.withConnection { try $0.restockCoupon(coupon, by: 5, actor: "test") }
                try await env.untilOpen(2)
                try await until("what came behind it is there") { try await env.store.stock(of: [coupon]) == [coupon: 105] }
                let last = try await env.postgres.withConnection { try $0.lastControlSequence() }
                try await until("counted") { try await env.store.status().control == last }
                // Not again and again.
                _ = try await env.postgres.withConnection { try $0.restockCoupon(coupon, by: 5, actor: "test") }
                try await until("the log goes on") { try await env.store.stock(of: [coupon]) == [coupon: 110] }
                #expect(try await env.store.status().epoch == Epoch(2))
                try await env.holds()
            }
        }
        #expect(log.errors.contains { $0.contains("an entry of the control log") && $0.contains("sequence=") }, "\(log.errors)")
        #expect(log.errors.contains { $0.contains("reason=control_unreadable") })
    }

    /// It is there before the shard is opened for the first time.
    @Test func whatCannotBeReadOpensNoGap() async throws {
        try await SyncEnvironment.with { env in
            let user = try await env.user("jo")
            try await env.postgres.withConnection {
                try $0.script(
                    "insert into control_log (seq, kind, payload, actor) values (1, 'user_sessions_revoked', '{}', 'x')"
                )
            }
            _ = try await env.postgres.withConnection { try $0.revokeSessions(of: user, actor: "test") }
            try await env.withWorker {
                try await env.untilOpen(1)
                #expect(try await env.store.status().control == 2)
                try await env.holds()
            }
        }
    }

    /// An edited or restored row may say any moment, which is no more than a mark of it.
    @Test(arguments: [
        "infinity", "-infinity", "1969-12-31 23:59:59.999999Z", "4713-01-01 00:00:00Z BC", "294276-12-31 23:59:59.999999Z",
    ])
    func aMomentThatCannotBeStopsNothing(_ moment: String) async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            try await env.withWorker {
                try await env.untilOpen(1)
                try await env.postgres.withConnection {
                    try $0.script(
                        """
                        begin; update coupons set total = total + 5;
                        insert into control_log (seq, kind, payload, created_at, actor)
                        values (2, 'coupon_restocked', '{"coupon": "sale", "amount": 5}', '\(moment)', 'somebody'); commit
                        """
                    )
                }
                try await until("it is applied") { try await env.store.stock(of: [coupon]) == [coupon: 105] }
                // Nothing about it is new to the next owner, nor after a rebuild.
                _ = try await env.client.send(["SCRIPT", "FLUSH"])
                try await env.untilOpen(1)
                _ = try await env.client.send(["DEL", "{s0}:record"])
                try await env.untilOpen(2)
                _ = try await env.client.send(["SCRIPT", "FLUSH"])
                try await env.untilOpen(2)
                _ = try await env.postgres.withConnection { try $0.restockCoupon(coupon, by: 5, actor: "test") }
                try await until("the log goes on") { try await env.store.stock(of: [coupon]) == [coupon: 110] }
                #expect(try await env.store.status().epoch == Epoch(2))
                try await env.holds()
            }
        }
    }
}
