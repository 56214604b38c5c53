import Domain
import HotPath
import LocalStack
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// A process that revokes sessions may die before it has told Redis: the owner does it then, whatever Redis has been through since.
@Suite(.serialized) struct RevocationTests {
    @Test func aRevocationReachesRedisByTheLog() async throws {
        try await SyncEnvironment.with { env in
            let jo = try await env.user("jo")
            let al = try await env.user("al")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(jo)
                let other = try await env.login(al)
                _ = try await env.postgres.withConnection { try $0.revokeSessions(of: jo, actor: "test") }
                try await env.untilEnded(jo, session)
                #expect(try await env.hotPath.sessions.exists(user: al, session: other))
                try await env.postgres.withConnection {
                    try $0.revokeSessions(before: Timestamp(milliseconds: Timestamp.now().milliseconds + 1000), actor: "test")
                }
                try await env.untilEnded(al, other)
                let coupon = try await env.coupon("sale")
                try await until("the log goes on") { try await env.store.stock(of: [coupon])[coupon] == 100 }
            }
        }
    }

    /// Redis lost its last moment and is otherwise sound: nothing is redeemed under the session that came back.
    @Test func aRevocationThatRedisLost() async throws {
        try await SyncEnvironment.with { env in
            let jo = try await env.user("jo")
            let shard = Keys(Shard(index: 0)).shard
            let session = try await env.withWorker {
                try await env.untilOpen(1)
                return try await env.login(jo)
            }
            _ = try await env.postgres.withConnection { try $0.revokeSessions(of: jo, actor: "test") }
            for number in 0..<200 {
                _ = try await env.postgres.withConnection {
                    try $0.grantCredit(to: jo, amount: 1, reason: "\(number)", actor: "test")
                }
            }
            #expect(try await env.client.send(["HGET", shard, "control"]).string == "0")
            _ = try await env.client.send(["SCRIPT", "FLUSH"])
            try await env.withWorker {
                try await env.untilOpen(1)
                #expect(try await env.hotPath.sessions.exists(user: jo, session: session) == false)
            }
        }
    }

    /// An older append-only file was put back: the sessions that ended since are in it, and the log does not know of a log-out.
    @Test func aLogOutThatAnOlderRedisUndid() async throws {
        try await SyncEnvironment.with { env in
            let jo = try await env.user("jo")
            let coupon = try await env.coupon("sale")
            let session = try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(jo)
                try await env.redis.copyAppendOnlyFile()
                let other = try await env.login(jo)
                _ = try await env.redeem(jo, other, coupon)
                try await until("landed") { try await env.rows() == 1 }
                #expect(try await env.hotPath.sessions.revoke(user: jo, session: session))
                return session
            }
            await env.redis.kill()
            try await env.redis.restoreAppendOnlyFile()
            try await env.redis.restart()
            try await until("connected") { (try? await env.store.status()) != nil }
            #expect(try await env.hotPath.sessions.exists(user: jo, session: session))
            try await env.withWorker {
                try await env.untilOpen(2)
                #expect(try await env.hotPath.sessions.exists(user: jo, session: session) == false)
            }
        }
    }

    /// The sessions survive a rebuild, which begins behind the end of the log.
    @Test func aRevocationWhileTheShardIsClosed() async throws {
        try await SyncEnvironment.with { env in
            let jo = try await env.user("jo")
            let al = try await env.user("al")
            let (session, other) = try await env.withWorker {
                try await env.untilOpen(1)
                return (try await env.login(jo), try await env.login(al))
            }
            _ = try await env.postgres.withConnection { try $0.setRole(of: jo, to: .admin, actor: "test") }
            _ = try await env.client.send(["DEL", Keys(Shard(index: 0)).shard])
            #expect(try await env.hotPath.sessions.exists(user: jo, session: session))
            try await env.withWorker {
                try await env.untilOpen(2)
                // Not a moment after it is open.
                #expect(try await env.hotPath.sessions.exists(user: jo, session: session) == false)
                #expect(try await env.hotPath.sessions.exists(user: al, session: other))
            }
        }
    }
}

extension SyncEnvironment {
    fileprivate func untilEnded(_ user: UserID, _ session: SessionID) async throws {
        try await until("ended") { try await !hotPath.sessions.exists(user: user, session: session) }
    }
}
