import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

/// A worker of this version finds what an earlier one has left.
@Suite struct UpgradeTests {
    @Test func nothingIsLostOnTheWayFromAnEarlierLayout() async throws {
        let log = KeptLog()
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let (jo, al, cy) = (try await env.user("jo"), try await env.user("al"), try await env.user("cy"))
            var sessions: [UserID: SessionID] = [:]
            try await env.withWorker {
                try await env.untilOpen(1)
                for user in [jo, al, cy] { sessions[user] = try await env.login(user) }
                _ = try await env.redeem(jo, sessions[jo]!, coupon)
                try await env.untilDrained()
            }
            // Nobody carries these two to Postgres before the upgrade.
            var waiting: [UserID: Redemption] = [:]
            for user in [al, cy] {
                guard case .accepted(let redemption) = try await env.redeem(user, sessions[user]!, coupon) else {
                    throw TestFailure("not accepted")
                }
                waiting[user] = redemption
            }
            try await env.makeEarlierLayout()
            #expect(try await env.store.status().layout == .earlier)
            #expect(try await env.rows() == 1)

            try await env.withWorker(logger: log.logger) {
                try await env.untilOpen(2)
                #expect(try await env.rows() == 3)
                #expect(try await env.postgres.withConnection { try $0.quarantineCount() } == 0)
                #expect(log.all.contains { $0.contains("rebuilding the shard") && $0.contains("reason=layout_changed") })
                #expect(log.errors.isEmpty, "\(log.errors)")
                // Nobody was logged out, and who comes is loaded with what they have.
                for (user, redemption) in waiting {
                    #expect(try await env.redeem(user, sessions[user]!, coupon) == .userNotLoaded)
                    try await env.load(user)
                    #expect(try await env.redeem(user, sessions[user]!, coupon) == .alreadyRedeemed(redemption.id))
                    let again = try await env.redeem(user, sessions[user]!, coupon, tail: redemption.id.uuid.tail)
                    #expect(again == .replayed(redemption))
                    #expect(try await env.store.credit(of: user) == Credit(available: 90, held: 0))
                }
                try await env.holds()
            }
            #expect(try await env.client.send(["KEYS", "{s0}:user:*"]) == .array([]))
            #expect(try await env.store.status().layout == .current)
            // It is done once.
            try await env.withWorker { try await env.untilOpen(2) }
        }
    }

    /// Cut off once it has closed the shard, it leaves the rest to the next one.
    @Test func theNextWorkerGoesOnWithIt() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let jo = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            let session = try await env.login(jo)
            guard case .accepted = try await env.redeem(jo, session, coupon) else { throw TestFailure("not accepted") }
            try await env.makeEarlierLayout()
            try await env.store.close(coupons: [coupon])
            try await env.withWorker {
                try await env.untilOpen(2)
                #expect(try await env.rows() == 1)
                try await env.holds()
            }
            #expect(try await env.client.send(["KEYS", "{s0}:user:*"]) == .array([]))
        }
    }
}
