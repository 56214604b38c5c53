import Domain
import HotPath
import TestSupport
import Testing

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
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .settled(drifted: 0))
            #expect(try await shard.store.credit(of: a.id) == Credit(available: 89, held: 0))
            #expect(try await shard.store.credit(of: b.id) == Credit(available: 89, held: 1))
            #expect(try await shard.outbox() == [entries[2]])

            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .settled(drifted: 0))
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
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .settled(drifted: 0))
            let state = try await shard.everything()
            #expect(try await shard.store.settle(shard.epoch, entries: first) == .notFirst)
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .notFirst)
            #expect(try await shard.everything() == state)
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .settled(drifted: 0))
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[2]]) == .notFirst)
        }
    }

    /// Not from the middle: what lies before would be trimmed with its holds never released.
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
            #expect(try await shard.store.settle(shard.epoch, reads) == .settled(drifted: 0))
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 90, held: 0))
            #expect(try await shard("XLEN", shard.keys.outbox) == .integer(0))
        }
    }

    /// Never below 0, never stuck, and told.
    @Test func aHoldTooSmallIsCounted() async throws {
        try await withOutbox { shard, a, b, entries in
            try await shard("HSET", shard.keys.user(a.id), "held", "3")
            try await shard("HSET", shard.keys.user(b.id), "epoch", "0")
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .settled(drifted: 2))
            #expect(try await shard.store.credit(of: a.id) == Credit(available: 89, held: 0))
            #expect(try await shard.hash(shard.keys.user(b.id))["held"] == "11")
        }
    }

    /// Settling is what makes room in a full Redis.
    @Test func settlesAtMaxmemory() async throws {
        try await withOutbox { shard, a, _, entries in
            try await shard("CONFIG", "SET", "maxmemory", "1")
            #expect(try await shard.store.settle(shard.epoch, entries: entries) == .settled(drifted: 0))
            #expect(try await shard.store.credit(of: a.id) == Credit(available: 89, held: 0))
            #expect(try await shard.hotPath.sessions.revoke(user: a.id, session: a.session))
        }
    }

    @Test func theGreatestHoldStaysExact() async throws {
        try await withShard { shard in
            try await shard.open([.test("x", price: Limits.amount - 1), .test("y", price: 1)])
            let user = try await shard.addUser(credit: Limits.amount)
            _ = try await shard.decide(user.request(x))
            _ = try await shard.decide(user.request(y))
            let entries = try await shard.outbox()
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[0]]) == .settled(drifted: 0))
            #expect(try await shard.hash(shard.keys.user(user.id))["held"] == "1")
        }
        try await withShard { shard in
            try await shard.open([.test("x", price: Limits.amount - 1), .test("y", price: 1)])
            let user = try await shard.addUser(credit: Limits.amount)
            _ = try await shard.decide(user.request(y))
            _ = try await shard.decide(user.request(x))
            let entries = try await shard.outbox()
            #expect(try await shard.store.settle(shard.epoch, entries: [entries[0]]) == .settled(drifted: 0))
            #expect(try await shard.hash(shard.keys.user(user.id))["held"] == "9007199254740990")
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
