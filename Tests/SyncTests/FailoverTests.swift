import Domain
import HotPath
import LocalStack
import LuaScripts
import Persistence
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// A primary, a replica and a Sentinel, which tells workers and clients where the primary is.
@Suite(.serialized) struct FailoverTests {
    @Test func aReplicaThatHasAllGoesOnInTheSameEpoch() async throws {
        try await SyncEnvironment.withGroup { env, group in
            let coupon = try await env.coupon("sale")
            let users = try await users(env, 3)
            try await env.withWorker {
                try await env.untilOpen(1)
                let sessions = try await logins(env, users)
                let first = try await env.accepted(users[0], sessions[0], coupon)
                try await untilReplicated(env, group)
                await group.nodes[0].kill()
                try await env.untilOpen(1, at: group.nodes[1])
                // Who redeems first after it may meet a connection that has not followed yet.
                _ = try await env.accepted(users[1], sessions[1], coupon)
                #expect(try await env.redeem(users[0], sessions[0], coupon) == .alreadyRedeemed(first))
                // The one that was killed comes back as a primary, and is made a replica.
                try await group.nodes[0].restart()
                try await until("a replica") { try await group.nodes[0].information("replication", "role") == "slave" }
                _ = try await env.accepted(users[2], sessions[2], coupon)
                try await env.untilDrained()
                #expect(try await env.rows() == 3)
                try await env.holds()
            }
        }
    }

    /// Postgres has what the replica lacks: without a rebuild the user could redeem once more.
    @Test func aReplicaThatLagsBehindTheCursorIsRebuilt() async throws {
        try await SyncEnvironment.withGroup { env, group in
            let coupon = try await env.coupon("sale", total: 2)
            let users = try await users(env, 2)
            try await env.withWorker {
                try await env.untilOpen(1)
                let sessions = try await logins(env, users)
                try await untilReplicated(env, group)
                await group.nodes[1].kill()
                let first = try await env.accepted(users[0], sessions[0], coupon)
                try await env.untilDrained()
                await group.nodes[0].kill()
                try await group.nodes[1].restart()
                try await env.untilOpen(2, at: group.nodes[1])
                #expect(try await env.store.stock(of: [coupon]) == [coupon: 1])
                let again = try await logins(env, users)
                #expect(try await env.redeem(users[0], again[0], coupon) == .alreadyRedeemed(first))
                _ = try await env.accepted(users[1], again[1], coupon)
                try await env.untilDrained()
                #expect(try await env.rows() == 2)
                try await env.holds()
            }
        }
    }

    /// What was acknowledged, not replicated and not drained goes with the primary under `local`, and nothing else does.
    @Test func whatNobodyElseHadIsLostAndMayBeRedeemedAnew() async throws {
        try await SyncEnvironment.withGroup { env, group in
            let coupon = try await env.coupon("sale", total: 1)
            let users = try await users(env, 2)
            try await env.withWorker { try await env.untilOpen(1) }
            let sessions = try await logins(env, users)
            try await untilReplicated(env, group)
            await group.nodes[1].kill()
            _ = try await env.accepted(users[0], sessions[0], coupon)
            await group.nodes[0].kill()
            try await group.nodes[1].restart()
            try await env.withWorker {
                try await env.untilOpen(1, at: group.nodes[1])
                _ = try await env.accepted(users[1], sessions[1], coupon)
                #expect(try await env.redeem(users[0], sessions[0], coupon) == .soldOut, "it was the last one")
                try await env.untilDrained()
                #expect(try await env.rows() == 1)
                try await env.holds()
            }
        }
    }

    /// A primary that becomes a replica keeps its scripts, also when it is made a primary again. Nobody has compared it with
    /// the cursor then. A Sentinel that goes back to it soon has not even made it a replica in between.
    @Test(arguments: [true, false])
    func aPrimaryThatWasReplacedIsClosedUntilItIsVerified(becomesReplica: Bool) async throws {
        try await SyncEnvironment.withGroup { env, group in
            let (first, second) = (group.nodes[0], group.nodes[1])
            let coupon = try await env.coupon("sale", total: 1)
            let users = try await users(env, 2)
            try await env.withWorker { try await env.untilOpen(1) }
            let sessions = try await logins(env, users)
            // A primary passes nothing on to a new replica before that has answered for the first time, after a second.
            try await untilReplicated(env, group)
            for node in [second, first] {
                try await failOver(env, group, to: node)
                let error = await #expect(throws: RedisError.self) { try await env.redeem(users[0], sessions[0], coupon) }
                #expect(error?.isShardClosed == true)
                #expect(try await env.store.status().scriptsLoaded == false)
                guard becomesReplica, node.port == second.port else { continue }
                // One that has not got its data yet may be promoted too, and would be rebuilt.
                try await until("a replica") { try await first.information("replication", "master_link_status") == "up" }
            }
            let cached = try #require(try await first.information("memory", "number_of_cached_scripts").flatMap { Int($0) })
            #expect(cached >= Script.opening.count, "it has kept them")
            try await env.withWorker {
                try await env.untilOpen(1, at: first)
                _ = try await env.accepted(users[1], sessions[1], coupon)
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    // MARK: Steps

    private func users(_ env: SyncEnvironment, _ count: Int) async throws -> [UserID] {
        var users: [UserID] = []
        for number in 0..<count { users.append(try await env.user("user-\(number)")) }
        return users
    }

    private func logins(_ env: SyncEnvironment, _ users: [UserID]) async throws -> [SessionID] {
        var sessions: [SessionID] = []
        for user in users { sessions.append(try await env.login(user)) }
        return sessions
    }

    /// By order, with both of them up: the Sentinel waits for the replica to be ready, and ends the old one's connections.
    private func failOver(_ env: SyncEnvironment, _ group: RedisGroup, to node: RedisServer) async throws {
        // NOGOODSLAVE until the Sentinel has seen that the replica is one.
        try await until("the failover was begun") { (try? await group.failOver()) != nil }
        try await until("a primary") { try await env.port() == node.port }
    }

    private func untilReplicated(_ env: SyncEnvironment, _ group: RedisGroup) async throws {
        let name = "master_repl_offset"
        let written = try #require(try await group.nodes[0].information("replication", name).flatMap { Int($0) })
        try await until("replicated") {
            try await group.nodes[1].information("replication", name).flatMap { Int($0) } ?? 0 >= written
        }
    }

    private func until(_ what: @autoclosure () -> String, _ condition: () async throws -> Bool) async throws {
        try await TestSupport.until(what()) {
            // A Sentinel that demotes a Redis ends all its connections.
            do { return try await condition() } catch is RedisError { return false }
        }
    }
}
