import Domain
import Glibc
import HotPath
import Persistence
import PostgresClient
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import Sync

/// The owner's loop against real servers.
@Suite(.serialized) struct OwnerTests {
    @Test func opensDrainsAndSettles() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let user = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                guard case .accepted(let redemption) = try await env.redeem(user, session, coupon) else {
                    Issue.record("not accepted")
                    return
                }
                try await env.untilDrained()
                #expect(try await env.postgres.withConnection { try $0.redemption(id: redemption.id) } == redemption)
                #expect(try await env.store.credit(of: user) == Credit(available: 90, held: 0))
                try await env.holds()
            }
        }
    }

    @Test func operatorsChangesReachAnOpenShardInOrder() async throws {
        try await SyncEnvironment.with { env in
            let user = try await env.user("jo", credit: 5)
            let poor = try await env.user("al", credit: 0)
            try await env.withWorker {
                try await env.untilOpen(1)
                let poorSession = try await env.login(poor)
                let coupon = try await env.coupon("sale", price: 10, total: 0)
                let session = try await env.login(user)
                try await until("created") { try await env.store.stock(of: [coupon])[coupon] == 0 }
                #expect(try await env.redeem(user, session, coupon) == .soldOut)
                _ = try await env.postgres.withConnection { try $0.restockCoupon(coupon, by: 2, actor: "test") }
                try await until("restocked") { try await env.store.stock(of: [coupon])[coupon] == 2 }
                #expect(try await env.redeem(user, session, coupon) == .insufficientCredit)
                _ = try await env.postgres.withConnection {
                    try $0.grantCredit(to: user, amount: 20, reason: "test", actor: "test")
                }
                try await until("granted") { try await env.store.credit(of: user)?.available == 25 }
                _ = try await env.postgres.withConnection { try $0.setCouponState(coupon, .paused, actor: "test") }
                try await until("paused") { try await env.redeem(poor, poorSession, coupon) == .couponPaused }
                _ = try await env.postgres.withConnection { try $0.setCouponState(coupon, .active, actor: "test") }
                try await until("resumed") {
                    if case .accepted = try await env.redeem(user, session, coupon) { true } else { false }
                }
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    /// Within COPY none of Postgres's limits on idle sessions and on statements ends the connection of a process that was stopped.
    @Test func anOwnerStoppedWithinACopyLosesTheShard() async throws {
        try await SyncEnvironment.with { env in
            let stopped = try await DedicatedPostgresConnection.open(env.postgresConfiguration, logger: testLogger())
            let isStopped = Atomic(true)
            let copies = AsyncStream<Void>.makeStream()
            let copying = Task {
                try await stopped.withConnection { connection in
                    #expect(try connection.tryLock(Shard(index: 0)))
                    // More than is sent at once, then nothing.
                    let rows = (0..<5_000).lazy.map { number in
                        if number == 4_999 {
                            copies.continuation.yield()
                            while isStopped.load(ordering: .relaxed) { usleep(1_000) }
                        }
                        return number
                    }
                    let columns = ["id", "username", "name", "password_hash", "role"]
                    _ = try connection.copyIn(rows, into: "users", columns) { number, copy in
                        copy.row(UserID(uuid: UUIDv7(milliseconds: 1)), "user-\(number)", "", "!", Role.user)
                    }
                }
            }
            for await _ in copies.stream { break }
            var configuration = SyncConfiguration()
            configuration.ownerSilence = .seconds(1)
            try await env.withWorker(configuration) { try await env.untilOpen(1) }
            isStopped.store(false, ordering: .relaxed)
            await #expect(throws: PostgresError.self) { try await copying.value }
            await stopped.close()
        }
    }

    /// A key that is lost alone leaves the shard's record and scripts as they were, so nothing else tells.
    @Test func aCouponThatIsMissingIsWrittenAgain() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 2)
            let user = try await env.user("jo")
            let other = try await env.user("al")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                guard case .accepted = try await env.redeem(user, session, coupon) else {
                    Issue.record("not accepted")
                    return
                }
                _ = try await env.client.send(["DEL", "{s0}:coupon:sale"])
                try await env.untilOpen(2)
                #expect(try await env.store.stock(of: [coupon]) == [coupon: 1])
                let otherSession = try await env.login(other)
                guard case .accepted = try await env.redeem(other, otherSession, coupon) else {
                    Issue.record("not accepted again")
                    return
                }
                try await env.untilDrained()
                try await env.holds()
            }
        }
    }

    /// A user who is loaded from a snapshot that has a grant already does not get it twice.
    @Test func aGrantInTheSnapshotIsNotAppliedAgain() async throws {
        try await SyncEnvironment.with { env in
            let user = try await env.user("jo", credit: 5)
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.postgres.withConnection { try $0.grantCredit(to: user, amount: 20, reason: "test", actor: "test") }
            _ = try await env.login(user)
            #expect(try await env.store.credit(of: user)?.available == 25)
            try await env.withWorker {
                try await until("applied") { try await env.store.status().control == 1 }
                #expect(try await env.store.credit(of: user)?.available == 25)
                try await env.holds()
            }
        }
    }

    @Test func whatCommittedButWasNotSettledIsSettledByTheNextOwner() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let user = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            let session = try await env.login(user)
            _ = try await env.redeem(user, session, coupon)
            let shard = env.store.shard
            let read = try await env.store.readOutbox(after: .zero, count: 10)
            let entries = read.compactMap { if case .entry(let entry) = $0 { entry } else { nil } }
            try await env.postgres.withConnection { connection in
                let cursor = try #require(try connection.cursor(of: shard))
                _ = try connection.land(
                    LandingBatch(shard: shard, cursor: cursor, entries: entries, last: try #require(entries.last).id)
                )
            }
            #expect(try await env.store.credit(of: user) == Credit(available: 90, held: 10))
            try await env.holds()
            try await env.withWorker {
                try await env.untilDrained()
                #expect(try await env.store.credit(of: user) == Credit(available: 90, held: 0))
                #expect(try await env.rows() == 1)
                try await env.holds()
            }
        }
    }

    @Test func aFlushedRedisIsRebuiltUnderTheNextEpoch() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 3)
            let user = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                let tail = UUIDv7.Tail.random()
                guard case .accepted(let redemption) = try await env.redeem(user, session, coupon, tail: tail) else {
                    Issue.record("not accepted")
                    return
                }
                try await env.untilDrained()
                _ = try await env.client.send(["FLUSHALL"])
                try await env.untilOpen(2)
                #expect(try await env.store.stock(of: [coupon]) == [coupon: 2])
                let again = try await env.login(user)
                #expect(try await env.redeem(user, again, coupon, tail: tail) == .replayed(redemption))
                #expect(try await env.redeem(user, again, coupon) == .alreadyRedeemed(redemption.id))
                try await env.holds()
            }
        }
    }

    @Test func flushedScriptsAreLoadedAgain() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker {
                try await env.untilOpen(1)
                _ = try await env.client.send(["SCRIPT", "FLUSH"])
                try await env.untilOpen(1)
            }
        }
    }

    /// What the surviving stream had beyond the cursor is landed before the epoch changes.
    @Test func aRebuildLandsWhatTheStreamStillHas() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 3)
            let user = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            let session = try await env.login(user)
            _ = try await env.redeem(user, session, coupon)
            _ = try await env.client.send(["DEL", "{s0}:record"])
            try await env.withWorker {
                try await env.untilOpen(2)
                #expect(try await env.rows() == 1)
                #expect(try await env.store.stock(of: [coupon]) == [coupon: 2])
                _ = try await env.login(user)
                #expect(try await env.store.credit(of: user) == Credit(available: 90, held: 0))
                try await env.holds()
            }
        }
    }

    @Test func aRedisThatIsBehindTheCursorIsRebuilt() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 3)
            let user = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                _ = try await env.redeem(user, session, coupon)
                try await env.untilDrained()
            }
            // As after a restart from an older AOF: the stream never gave the id that Postgres has.
            _ = try await env.client.send(["DEL", "{s0}:outbox"])
            _ = try await env.client.send(["SCRIPT", "FLUSH"])
            try await env.withWorker {
                try await env.untilOpen(2)
                #expect(try await env.store.stock(of: [coupon]) == [coupon: 2])
                try await env.holds()
            }
        }
    }

    @Test func entriesOfAnotherEpochGoToQuarantineUnlessTheyLanded() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 3)
            let user = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            let stray = UUIDv7.Tail.random()
            _ = try await env.client.send([
                "XADD", "{s0}:outbox", "5-1", "epoch", "9", "coupon", "\(coupon)", "price", "10", "\(user)", "\(stray)",
            ])
            _ = try await env.client.send(["DEL", "{s0}:record"])
            try await env.withWorker {
                try await env.untilOpen(10)
                #expect(try await env.rows() == 0)
                #expect(try await env.postgres.withConnection { try $0.quarantineCount() } == 1)
            }
        }
    }

    @Test func whatCannotBeReadGoesToQuarantineAndTheDrainGoesOn() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale", total: 3)
            let user = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                _ = try await env.client.send(["XADD", "{s0}:outbox", "*", "what", "ever"])
                _ = try await env.redeem(user, session, coupon)
                try await env.untilDrained()
                #expect(try await env.rows() == 1)
                #expect(try await env.postgres.withConnection { try $0.quarantineCount() } == 1)
            }
        }
    }

    /// Postgres was restored from a backup that is older than Redis: the new epoch is above every one that Redis has seen.
    @Test func anEpochIsNeverUsedTwice() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.client.send(["SET", "{s0}:fence", "7"])
            _ = try await env.client.send(["DEL", "{s0}:record"])
            try await env.withWorker { try await env.untilOpen(8) }
        }
    }

    @Test func aSecondWorkerWaitsAndTakesOver() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker {
                try await env.untilOpen(1)
                try await env.withWorker { try await env.untilOpen(1) }
            }
            try await env.withWorker {
                _ = try await env.client.send(["SCRIPT", "FLUSH"])
                try await env.untilOpen(1)
            }
        }
    }
}
