import Domain
import HotPath
import LocalStack
import Logging
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// A cluster of three primaries and their replicas, of which one has the shard's slot. Anybody may move it at any time.
@Suite(.serialized) struct ClusterTests {
    private let slot = HashSlot(of: Shard(index: 0).tag)
    private static let valkey9 = ConditionTrait.enabled("this server has no CLUSTER MIGRATESLOTS", SlotMove.canBeAtOnce)

    @Test func aReplicaThatHasAllGoesOnInTheSameEpoch() async throws {
        try await SyncEnvironment.withCluster { env, cluster in
            let coupon = try await env.coupon("sale")
            let users = [try await env.user("a"), try await env.user("b")]
            try await env.withWorker {
                try await env.untilOpen(1)
                let sessions = [try await env.login(users[0]), try await env.login(users[1])]
                let first = try await env.accepted(users[0], sessions[0], coupon)
                try await env.untilDrained()
                let offset = try #require(
                    try await env.redis.information("replication", "master_repl_offset").flatMap { Int($0) }
                )
                try await until("replicated") {
                    let state = try await env.redis.information("replication", "slave0") ?? ""
                    return state.split(separator: ",").contains { $0.hasPrefix("offset=") && Int($0.dropFirst(7)) ?? 0 >= offset }
                }
                await env.redis.kill()
                try await until("open on another node") {
                    let port = try await env.port()
                    let status = try? await env.store.status()
                    return port != nil && port != env.redis.port && status?.scriptsLoaded == true
                }
                #expect(try await env.store.status().epoch == Epoch(1))
                _ = try await env.accepted(users[1], sessions[1], coupon)
                #expect(try await env.redeem(users[0], sessions[0], coupon) == .alreadyRedeemed(first))
                try await env.untilDrained()
                #expect(try await env.rows() == 2)
                try await env.holds()
            }
        }
    }

    /// The last id of the outbox and the epoch are those that they were, and the users may not be. Their redemptions are drained, and the
    /// rest comes from Postgres.
    @Test(arguments: [nil, Keys(Shard(index: 0)).users])
    func aShardThatMovedIsDrainedAndRebuilt(without lost: String?) async throws {
        try await isDrainedAndRebuilt(.byKey(without: lost))
    }

    @Test(Self.valkey9) func aShardThatMovedAtOnceIsDrainedAndRebuilt() async throws {
        try await isDrainedAndRebuilt(.atOnce)
    }

    private func isDrainedAndRebuilt(_ move: SlotMove) async throws {
        try await SyncEnvironment.withCluster { env, cluster in
            let other = try #require(cluster.primary(butFor: env.redis))
            let coupon = try await env.coupon("sale", total: 2)
            let users = [try await env.user("a"), try await env.user("b"), try await env.user("c")]
            try await env.withWorker { try await env.untilOpen(1) }
            var sessions: [SessionID] = []
            for user in users { sessions.append(try await env.login(user)) }
            // Postgres does not have it yet.
            let first = try await env.accepted(users[0], sessions[0], coupon)
            try await cluster.move(slot, from: env.redis, to: other, move)
            try await until("a client of the other node") { try await env.port() == other.port }
            let error = await #expect(throws: RedisError.self) { try await env.redeem(users[1], sessions[1], coupon) }
            #expect(error?.isShardClosed == true)
            try await env.withWorker {
                try await env.untilOpen(2, at: other)
                #expect(try await env.rows() == 1)
                for user in users { try await env.load(user) }
                #expect(try await env.redeem(users[0], sessions[0], coupon) == .alreadyRedeemed(first))
                _ = try await env.accepted(users[1], sessions[1], coupon)
                #expect(try await env.redeem(users[2], sessions[2], coupon) == .soldOut)
                try await env.untilDrained()
                #expect(try await env.rows() == 2)
                try await env.holds()
            }
        }
    }

    /// It has kept the scripts, and nobody has compared it since. Where the other node was replaced meanwhile, users may be missing, and
    /// what they redeemed is in the outbox alone.
    @Test func aNodeThatHasTheSlotAgainIsClosedUntilItIsRebuilt() async throws {
        try await isClosedWhenItIsBack(.byKey(without: Keys(Shard(index: 0)).users), back: .byKey())
    }

    @Test(Self.valkey9) func aNodeThatHasTheSlotAgainAtOnceIsClosedUntilItIsRebuilt() async throws {
        try await isClosedWhenItIsBack(.atOnce, back: .atOnce)
    }

    private func isClosedWhenItIsBack(_ there: SlotMove, back: SlotMove) async throws {
        try await SyncEnvironment.withCluster { env, cluster in
            let other = try #require(cluster.primary(butFor: env.redis))
            let coupon = try await env.coupon("sale")
            let (user, second) = (try await env.user("a"), try await env.user("b"))
            try await env.withWorker { try await env.untilOpen(1) }
            let (session, secondSession) = (try await env.login(user), try await env.login(second))
            let first = try await env.accepted(user, session, coupon)
            try await cluster.move(slot, from: env.redis, to: other, there)
            try await until("a client of the other node") { try await env.port() == other.port }
            try await cluster.move(slot, from: other, to: env.redis, back)
            var refusal: RedisError?
            try await until("an answer of the node") {
                do {
                    _ = try await env.redeem(user, session, coupon)
                    throw TestFailure("a redemption that nobody has opened the shard for")
                } catch let error as RedisError {
                    refusal = error
                    return error.isShardClosed
                }
            }
            #expect(refusal?.outcomeIsUnknown == false)
            try await env.withWorker {
                try await env.untilOpen(2, at: env.redis)
                for user in [user, second] { try await env.load(user) }
                #expect(try await env.redeem(user, session, coupon) == .alreadyRedeemed(first))
                _ = try await env.accepted(second, secondSession, coupon)
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    /// A rebuild that is cut off between Postgres and Redis leaves a Redis that looks like an earlier one, and everybody would be logged
    /// out.
    @Test func aShardIsNotRebuiltWhileItsSlotIsOnItsWay() async throws {
        try await SyncEnvironment.withCluster { env, cluster in
            let other = try #require(cluster.primary(butFor: env.redis))
            let coupon = try await env.coupon("sale")
            let (user, second) = (try await env.user("a"), try await env.user("b"))
            // Each key is there that an owner looks at.
            try await env.withWorker {
                try await env.untilOpen(1)
                _ = try await env.accepted(second, try await env.login(second), coupon)
                try await env.untilDrained()
            }
            let session = try await env.login(user)
            try await cluster.move(slot, from: env.redis, to: other)
            try await cluster.open(slot, from: other, to: env.redis)
            let log = RecordedLog()
            try await env.withWorker(logger: log.logger(level: .warning)) {
                try await until("the owner has tried") {
                    log.all("the owner's loop failed; it starts again").contains { $0["error"]?.contains("on its way") == true }
                }
                try await cluster.close(slot)
                try await env.untilOpen(2, at: other)
                try await env.load(user)
                _ = try await env.accepted(user, session, coupon)
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    /// With users who redeem all the time: each is told once, and nobody loses anything.
    @Test func aSlotMovesThereAndBackUnderLoad() async throws { try await movesUnderLoad(.byKey()) }

    @Test(Self.valkey9) func aSlotMovesAtOnceThereAndBackUnderLoad() async throws { try await movesUnderLoad(.atOnce) }

    private func movesUnderLoad(_ move: SlotMove) async throws {
        try await SyncEnvironment.withCluster { env, cluster in
            let other = try #require(cluster.primary(butFor: env.redis))
            let coupon = try await env.coupon("sale", price: 1, total: 60)
            var users: [UserID] = []
            for number in 0..<80 { users.append(try await env.user("user-\(number)")) }
            try await env.withWorker {
                try await env.untilOpen(1)
                let users = users
                async let answers = redeemAll(users, coupon, env)
                for (from, to) in [(env.redis, other), (other, env.redis)] {
                    try await cluster.move(slot, from: from, to: to, move)
                    try await until("open at the other node") {
                        let port = try await env.port()
                        let status = try? await env.store.status()
                        return port == to.port && status?.scriptsLoaded == true
                    }
                }
                let redeemed = try await answers
                #expect(redeemed == 60)
                try await env.untilDrained()
                #expect(try await env.rows() == 60)
                try await env.holds()
            }
        }
    }

    /// Each user asks until something was decided; a shard that was rebuilt does not know the user.
    /// - Returns: how many were told that they have it.
    private func redeemAll(_ users: [UserID], _ coupon: CouponID, _ env: SyncEnvironment) async throws -> Int {
        var redeemed = 0
        for user in users {
            let tail = UUIDv7.Tail.random()
            let session = SessionID(uuid: UUIDv7(milliseconds: 1))
            var isDecided = false
            try await until("an answer") {
                do {
                    switch try await env.redeem(user, session, coupon, tail: tail) {
                    case .accepted, .replayed:
                        redeemed += 1
                        isDecided = true
                    case .soldOut: isDecided = true
                    case .userNotLoaded, .sessionRevoked, .couponNotLoaded: try await env.begin(session, of: user)
                    case .alreadyRedeemed, .insufficientCredit, .wrongCode, .tooManyAttempts, .couponNotStarted, .couponPaused,
                        .couponEnded, .backlogFull:
                        throw TestFailure("an answer that nobody should get")
                    }
                } catch is RedisError {}
                return isDecided
            }
        }
        return redeemed
    }
}
