import Domain
import HotPath
import Persistence
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// A crash leaves the beginning of a transaction in Redis's file. The start after it leaves that out, and the one after that does not.
/// Redis counts it. Valkey 8 carries it out and does not count it, and Valkey 9 cuts the beginning off (docs/OPERATIONS.md, Valkey).
@Suite(.serialized, .enabled("this server does not count torn transactions", { try await redisVersion().program == .redis }))
struct TornFileTests {
    @Test func whatComesBackIsNoRedemption() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let (jo, al) = (try await env.user("jo"), try await env.user("al"))
            let session = try await env.withWorker {
                try await env.untilOpen(1)
                return try await env.login(al)
            }
            // The last that Redis writes.
            guard case .accepted = try await env.redeem(al, session, coupon) else { throw TestFailure("not accepted") }
            try await env.startOnATornFile()
            try await env.withWorker {
                try await env.untilOpen(1)
                guard case .accepted = try await env.redeem(jo, try await env.login(jo), coupon) else {
                    throw TestFailure("not accepted")
                }
                try await env.untilDrained()
                try await env.holds()
            }
            #expect(try await env.store.status().missingEntries == 0)
            #expect(try await env.store.tornTransactions() == 0)

            try await env.restartRedis()
            // Al's entry was there before jo's, and went with it.
            #expect(try await env.store.status().missingEntries == 1)
            #expect(try await env.store.tornTransactions() == 1)
            let log = KeptLog()
            try await env.withWorker(logger: log.logger) {
                try await env.untilOpen(2)
                #expect(log.errors.contains { $0.contains("rebuilding the shard") && $0.contains("reason=torn_file") })
                #expect(log.errors.contains { $0.contains("BGREWRITEAOF") && $0.contains("transactions=1") })
                #expect(!log.errors.contains { $0.hasPrefix("somebody deleted") }, "\(log.errors)")
                guard case .accepted = try await env.redeem(al, try await env.login(al), coupon) else {
                    throw TestFailure("not accepted")
                }
                try await env.untilDrained()
                #expect(try await env.rows() == 2)
                #expect(try await env.store.stock(of: [coupon])[coupon] == 98)
                #expect(try await env.store.status().missingEntries == 0)
            }
        }
    }

    /// The file keeps it until it is rewritten.
    @Test func eachStartIsMendedUntilTheFileIs() async throws {
        try await SyncEnvironment.with { env in
            try await env.withWorker {
                try await env.untilOpen(1)
                try await env.writeATransaction()
                try await env.startOnATornFile()
                try await env.untilOpen(1)
                try await env.writeATransaction()
                for epoch in 2...3 {
                    try await env.restartRedis()
                    try await env.untilOpen(epoch)
                }
                try await env.redis.command("BGREWRITEAOF")
                try await until("rewritten") {
                    let names = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"]
                    for name in names where try await env.redis.information("persistence", name) != "0" { return false }
                    return true
                }
                try await env.restartRedis()
                try await env.untilOpen(3)
                #expect(try await env.store.tornTransactions() == 0)
            }
        }
    }
}
