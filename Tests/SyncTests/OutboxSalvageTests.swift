import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// What stands in the outbox, and Postgres lacks, is settled or cleared by nobody before it is in quarantine; and the drain goes on
/// whatever somebody deletes from it.
@Suite(.serialized) struct OutboxSalvageTests {
    private func quarantined(_ env: SyncEnvironment) async throws -> [QuarantinedEntry] {
        try await env.postgres.withConnection { try $0.quarantined(QuarantineFilter(), after: 0, limit: 100) }
    }

    private func script(_ env: SyncEnvironment, _ sql: String) async throws {
        try await env.postgres.withConnection { try $0.script(sql) }
    }

    /// Between the moment at which it has landed, with others behind it, and the one at which it is settled.
    @Test func aHeadThatIsDeletedByHandHoldsNothingUp() async throws {
        let log = KeptLog()
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let users = [try await env.user("al"), try await env.user("jo"), try await env.user("kim")]
            try await env.withWorker { try await env.untilOpen(1) }
            // Nobody owns the shard, which is open.
            for user in users.prefix(2) { _ = try await env.redeem(user, try await env.login(user), coupon) }
            let read = try await env.store.readOutbox(after: .zero, count: 10)
            #expect(read.count == 2)
            let head = try #require(read.first).id
            let deleting = await env.locked("coupons", "share", until: "both are landing") {
                _ = try await env.client.send(["XDEL", "{s0}:outbox", head.description])
            }
            try await env.withWorker(logger: log.logger) {
                #expect(try await deleting.value)
                try await env.untilDrained()
                // And so does what comes later.
                _ = try await env.redeem(users[2], try await env.login(users[2]), coupon)
                try await env.untilDrained()
                #expect(try await env.rows() == 3)
                #expect(try await env.store.status().missingEntries == 1)
                try await until("an alarm") {
                    log.errors.contains { $0.hasPrefix("somebody deleted entries from the outbox") && $0.hasSuffix("entries=1") }
                }
            }
        }
    }

    enum Place: CaseIterable {
        /// Postgres has no cursor.
        case firstStart
        /// Postgres had landed later ones, as where a primary comes back that never heard of its successor.
        case belowTheCursor
        case behindTheCursor
    }

    @Test(arguments: Place.allCases) func aRebuildKeepsWhatCannotBeRead(_ place: Place) async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.client.send(["XADD", "{s0}:outbox", "*", "what", "ever"])
            let id = try await env.store.status().outboxLastID
            switch place {
            case .firstStart: try await script(env, "delete from outbox_cursor")
            case .belowTheCursor: try await script(env, "update outbox_cursor set last_id = '\(id)'")
            case .behindTheCursor: break
            }
            _ = try await env.client.send(["DEL", "{s0}:record"])
            try await env.withWorker { try await env.untilOpen(2) }
            let entries = try await quarantined(env)
            #expect(entries.map(\.content) == [.unreadable(#"{"fields": ["what", "ever"]}"#)])
            #expect(entries.map(\.streamID) == [id])
        }
    }

    /// The shard is open and sound: entries at or below the cursor are taken for settled in a moment.
    @Test func openingKeepsWhatPostgresNeverGot() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let user = try await env.user("jo")
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.redeem(user, try await env.login(user), coupon)
            _ = try await env.client.send(["XADD", "{s0}:outbox", "*", "what", "ever"])
            let id = try await env.store.status().outboxLastID
            try await script(env, "update outbox_cursor set last_id = '\(id)'")
            try await env.withWorker {
                try await env.untilDrained()
                let entries = try await quarantined(env)
                #expect(entries.count == 2)
                #expect(try await env.store.status().epoch == Epoch(1))
                // Redis holds its credit and its stock.
                for entry in entries {
                    guard case .redemption = entry.content else { continue }
                    let retried = try await env.postgres.withConnection { try $0.retryQuarantined(entry.id) }
                    guard case .landed = retried else { throw TestFailure("\(retried)") }
                }
                #expect(try await env.rows() == 1)
            }
        }
    }

    /// The owner died between the commit and the settling of an entry that cannot be read.
    @Test func whatIsInQuarantineIsNotPutThereAgain() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker { try await env.untilOpen(1) }
            _ = try await env.client.send(["XADD", "{s0}:outbox", "*", "what", "ever"])
            let shard = env.store.shard
            guard case .malformed(let id, let fields, let reason)? = try await env.store.readOutbox(after: .zero, count: 9).first
            else { throw TestFailure("read") }
            try await env.postgres.withConnection { connection in
                let malformed = LandingBatch.Malformed(id: id, fields: fields, reason: reason)
                let cursor = try #require(try connection.cursor(of: shard))
                _ = try connection.land(LandingBatch(shard: shard, cursor: cursor, entries: [], malformed: [malformed], last: id))
            }
            let first = try await quarantined(env)
            #expect(first.count == 1)
            _ = try await env.client.send(["DEL", "{s0}:record"])
            try await env.withWorker { try await env.untilOpen(2) }
            #expect(try await quarantined(env) == first)
        }
    }
}
