import Domain
import LuaScripts
import RedisClient
import TestSupport
import Testing

@testable import HotPath

@Suite struct SettleScriptTests {
    let x = CouponID("x")!
    let y = CouponID("y")!

    /// A shard with three entries: a and b redeemed x in one call, then a redeemed y, then b redeemed y.
    private func withOutbox(_ body: (TestShard, TestUser, TestUser, [OutboxEntry]) async throws -> Void) async throws {
        try await withShard { shard in
            try await shard.open([.test("x", price: 10), .test("y", price: 1)])
            let a = try await shard.addUser()
            let b = try await shard.addUser()
            _ = try await shard.decide([a.request(x), b.request(x)])
            _ = try await shard.decide(a.request(y))
            _ = try await shard.decide(b.request(y))
            try await body(shard, a, b, try await shard.outbox())
        }
    }

    @Test func releasesAndTrims() async throws {
        try await withOutbox { shard, a, b, entries in
            #expect(entries.map(\.redemptions.count) == [2, 1, 1])
            let first = Array(entries.prefix(2))
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .settled)
            #expect(try await shard.store.credit(of: a.id) == Credit(available: 89, held: 0))
            #expect(try await shard.store.credit(of: b.id) == Credit(available: 89, held: 1))
            #expect(try await shard.outbox() == [entries[2]])

            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .settled)
            #expect(try await shard.store.credit(of: b.id) == Credit(available: 89, held: 0))
            // An empty outbox still knows the last id that it gave.
            let status = try await shard.store.status()
            #expect(status.outboxLength == 0)
            #expect(status.outboxLastID == entries[2].id)
        }
    }

    @Test func settlesNothingTwice() async throws {
        try await withOutbox { shard, a, _, entries in
            let first = Array(entries.prefix(2))
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .settled)
            let state = try await shard.everything()
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .notFirst)
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .notFirst)
            #expect(try await shard.everything() == state)
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .settled)
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .notFirst)
        }
    }

    /// Not from the middle: what lies before would be trimmed, and Postgres may not have it.
    @Test func doesNotBeginInTheMiddle() async throws {
        try await withOutbox { shard, _, _, entries in
            let state = try await shard.everything()
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[1]]) == .notFirst)
            #expect(try await shard.everything() == state)
        }
    }

    @Test func refusesAnotherEpoch() async throws {
        try await withOutbox { shard, _, _, entries in
            let state = try await shard.everything()
            #expect(try await shard.store.settle(Epoch(2), entries: entries) == .wrongEpoch)
            #expect(try await shard.everything() == state)
            try await shard("DEL", shard.keys.shard)
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .wrongEpoch)
        }
    }

    @Test func malformedEntriesAreTrimmedOnly() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let user = try await shard.addUser()
            try await shard("XADD", shard.keys.outbox, "*", "rubbish", "1")
            try await shard("XADD", shard.keys.outbox, "*", "epoch", "1", "coupon", "x", "price", "much", "\(user.id)", "tail")
            _ = try await shard.decide(user.request(x))
            try await shard("XADD", shard.keys.outbox, "*", "epoch", "7", "coupon", "x", "price", "3", "\(user.id)", "tail")
            let reads = try await shard.store.readOutbox(after: .zero, count: 10)
            #expect(reads.count == 4)
            #expect(try await shard.store.settle(shard.epoch, reads) == .settled)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 90, held: 0))
            #expect(try await shard("XLEN", shard.keys.outbox) == .integer(0))
        }
    }

    /// What was settled is what the shard's record says, and how many entries it was.
    @Test func theRecordKnowsWhatWasSettled() async throws {
        try await withOutbox { shard, _, _, entries in
            #expect(try await shard.store.settle(shard.epoch, entries: Array(entries.prefix(2))) == .settled)
            let record = try await shard.hash(shard.keys.shard)
            #expect(record["settled"] == entries[1].id.description)
            #expect(record["trimmed"] == "2")
        }
    }

    /// Redis decides redemptions between them. Where somebody deletes an entry meanwhile, the parts before it are settled.
    @Test func aLongLandingIsSettledInParts() async throws {
        try await withShard { shard in
            try await shard.open()
            let limit = ShardStore.settleEntryLimit
            let count = 2 * limit + 1
            let commands = Array(repeating: ["XADD", shard.keys.outbox, "*", "rubbish", "1"], count: count)
            for place in [0, 1] {
                for part in [0..<limit, limit..<count] {
                    _ = try await shard.client.pipeline(Array(commands[part]))
                }
                let reads = try await shard.store.readOutbox(after: .zero, count: count)
                #expect(reads.count == count)
                try await shard("CONFIG", "RESETSTAT")
                if place == 0 {
                    #expect(try await shard.store.settle(shard.epoch, reads) == .settled)
                    let calls = try await shard("INFO", "commandstats").info["cmdstat_evalsha"]
                    #expect(calls?.hasPrefix("calls=3,") == true, "\(calls ?? "")")
                } else {
                    try await shard("XDEL", shard.keys.outbox, "\(reads[limit].id)")
                    #expect(try await shard.store.settle(shard.epoch, reads) == .notFirst)
                    let rest = try await shard.store.readOutbox(after: .zero, count: count)
                    #expect(rest == Array(reads[(limit + 1)...]))
                    #expect(try await shard.store.settle(shard.epoch, rest) == .settled)
                }
                let record = try await shard.hash(shard.keys.shard)
                #expect(record["settled"] == reads.last.map { "\($0.id)" })
                #expect(record["trimmed"] == "\(place == 0 ? count : 2 * count - 1)")
                #expect(try await shard.store.status().outboxLength == 0)
            }
        }
    }

    /// Settling is what makes room in a full Redis.
    @Test func settlesAtMaxmemory() async throws {
        try await withOutbox { shard, a, _, entries in
            try await shard("CONFIG", "SET", "maxmemory", "1")
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .settled)
            #expect(try await shard.store.credit(of: a.id) == Credit(available: 89, held: 0))
            #expect(try await shard.hotPath.sessions.revoke(user: a.id, session: a.session))
        }
    }

    @Test func theGreatestHoldStaysExact() async throws {
        let y = CouponID("y")!
        for first in [x, y] {
            try await withShard { shard in
                try await shard.open([.test("x", price: Limits.amount - 1), .test("y", price: 1)])
                let user = try await shard.addUser(credit: Limits.amount)
                _ = try await shard.decide(user.request(first))
                _ = try await shard.decide(user.request(first == x ? y : x))
                #expect(try await shard.store.credit(of: user.id) == Credit(available: 0, held: Limits.amount))
                let entries = try await shard.outbox()
                #expect(try await shard.store.settle(shard.epoch, entries: [entries[0]]) == .settled)
                let held = first == x ? 1 : Limits.amount - 1
                #expect(try await shard.store.credit(of: user.id) == Credit(available: 0, held: held))
            }
        }
    }

    @Test func malformedCallsAreRefused() async throws {
        try await withOutbox { shard, _, _, _ in
            await #expect(throws: RedisError.self) {
                try await shard.call(.settle, keys: [shard.keys.outbox, shard.keys.shard], ["1", "0-1"])
            }
            await #expect(throws: RedisError.self) { try await shard.call(.settle, keys: [], ["1", "0-1", "0-2"]) }
        }
    }
}
