import Domain
@testable import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct LandingTests {
    @Test func aBatchLandsExactlyOnce() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let users = (0..<300).map { newUser("u\($0)", credit: 30) }
                try connection.createUsers(users, actor: "admin")
                let a = try connection.createCoupon(newCoupon("a", price: 10), codeKey: nil, actor: "admin")
                let b = try connection.createCoupon(newCoupon("b", price: 20, total: 300), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let entries = [
                    entry(stream(1), a, Array(users[..<64])), entry(stream(1, 1), b, Array(users[..<64])),
                    entry(stream(2), b, Array(users[64...])),
                ]
                let result = try connection.land(batch(entries))
                let cursor = Cursor(epoch: Epoch(1), lastID: stream(2))
                #expect(result.landed == 364)
                #expect(result.quarantined == 0)
                #expect(result.cursor == cursor)
                #expect(try connection.cursor(of: shard) == cursor)

                // The same batch again: the cursor says no.
                #expect(throws: LandingError.cursorMoved(actual: cursor)) { try connection.land(batch(entries)) }
                #expect(try connection.count("redemptions") == 364)
                #expect(try connection.coupon(a.id)?.redeemed == 64)
                #expect(try connection.coupon(b.id)?.redeemed == 300)
                #expect(try connection.balance(of: users[0].id) == 0)
                #expect(try connection.balance(of: users[299].id) == 10)

                let first = entries[0].redemptions[0]
                #expect(try connection.redemption(id: first.id) == first)
                let row = try connection.query(
                    "select redeemed_at, shard, epoch, stream_id from redemptions where id = $1",
                    first.id
                )[0]
                #expect(try row.decode(0) == first.redeemedAt)
                #expect(try row.decode(1) == shard)
                #expect(try row.decode(2) == Epoch(1))
                #expect(try row.decode(3) == stream(1))
            }
        }
    }

    @Test func anEmptyBatchMovesTheCursor() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                _ = try connection.beginEpoch(shard, after: nil)
                let result = try connection.land(LandingBatch(shard: shard, cursor: start, entries: [], last: stream(5)))
                let end = Cursor(epoch: start.epoch, lastID: stream(5))
                #expect(result == LandingResult(landed: 0, quarantined: 0, cursor: end))
                #expect(try connection.cursor(of: shard)?.lastID == stream(5))
            }
        }
    }

    @Test func aBatchOutOfOrderIsRefused() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u", credit: 100)
                _ = try connection.createUser(user, actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("a"), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let (early, late) = (entry(stream(1), coupon, [user]), entry(stream(2), coupon, [user]))
                let cursor = Cursor(epoch: Epoch(1), lastID: stream(1))
                for bad in [
                    batch([late, early]), batch([early, early]), batch([early], cursor: cursor),
                    LandingBatch(shard: shard, cursor: start, entries: [late], last: stream(1)),
                ] {
                    #expect(throws: LandingError.outOfOrder) { try connection.land(bad) }
                }
                #expect(try connection.cursor(of: shard) == start)
            }
        }
    }

    @Test func ofTwoLandersOneLands() async throws {
        try await withPostgresClient { client throws in
            let users = (0..<1_000).map { newUser("u\($0)", credit: 10) }
            let coupon = newCoupon("a", total: 1_000)
            try await client.withConnection { connection throws in
                try connection.createUsers(users, actor: "admin")
                _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
            }
            let same = batch([entry(stream(1), coupon, users)])
            let results = try await withThrowingTaskGroup(of: LandingResult?.self, returning: [LandingResult].self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        do {
                            return try await client.withConnection { try $0.land(same) }
                        } catch let error as LandingError {
                            #expect(error == .cursorMoved(actual: Cursor(epoch: Epoch(1), lastID: stream(1))))
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: []) { all, one in if let one { all.append(one) } }
            }
            #expect(results.map(\.landed) == [1_000])
            try await client.withConnection { connection throws in
                #expect(try connection.count("redemptions") == 1_000)
                #expect(try connection.coupon(coupon.id)?.redeemed == 1_000)
            }
        }
    }

    @Test func epochsFollowEachOther() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                #expect(try connection.cursor(of: shard) == nil)
                #expect(throws: LandingError.cursorMoved(actual: nil)) { try connection.land(batch([])) }
                #expect(throws: LandingError.cursorMoved(actual: nil)) { try connection.beginEpoch(shard, after: start) }
                #expect(try connection.beginEpoch(shard, after: nil) == start)
                #expect(throws: LandingError.cursorMoved(actual: start)) { try connection.beginEpoch(shard, after: nil) }
                let moved = try connection.land(LandingBatch(shard: shard, cursor: start, entries: [], last: stream(9))).cursor
                #expect(throws: LandingError.cursorMoved(actual: moved)) { try connection.beginEpoch(shard, after: start) }
                let second = Cursor(epoch: Epoch(2), lastID: .zero)
                #expect(try connection.beginEpoch(shard, after: moved) == second)
                #expect(try connection.cursor(of: shard) == second)
                #expect(try connection.cursor(of: Shard(index: 1)) == nil)
                #expect(throws: LandingError.cursorMoved(actual: second)) {
                    try connection.land(LandingBatch(shard: shard, cursor: moved, entries: [], last: stream(10)))
                }
            }
        }
    }

    /// A coupon's row is locked late and in the order of ids, so two shards with the same coupons do not deadlock.
    @Test func twoShardsLandTheSameCoupons() async throws {
        try await withPostgresClient { client throws in
            let coupons = (0..<20).map { newCoupon("c\($0)", total: 10_000) }
            let users = (0..<40).map { newUser("u\($0)", credit: 100_000) }
            let shards = [Shard(index: 0), Shard(index: 1)]
            try await client.withConnection { connection throws in
                try connection.createUsers(users, actor: "admin")
                for coupon in coupons { _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin") }
                for shard in shards { _ = try connection.beginEpoch(shard, after: nil) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for shard in shards {
                    group.addTask {
                        var cursor = start
                        for round in 0..<20 {
                            let user = users[shard.index * 20 + round]
                            let entries = coupons.shuffled().enumerated().map {
                                entry(stream(UInt64(round), UInt64($0) + 1), $1, [user])
                            }
                            let batch = LandingBatch(shard: shard, cursor: cursor, entries: entries, last: entries.last!.id)
                            cursor = try await client.withConnection { try $0.land(batch) }.cursor
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await client.withConnection { connection throws in
                #expect(try connection.count("redemptions") == 800)
                for coupon in coupons { #expect(try connection.coupon(coupon.id)?.redeemed == 40) }
            }
        }
    }

    @Test func aUsersRedemptionsComeNewestFirst() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (user, other) = (newUser("u", credit: 1_000), newUser("o", credit: 1_000))
                try connection.createUsers([user, other], actor: "admin")
                let coupons = try (0..<7).map { try connection.createCoupon(newCoupon("c\($0)"), codeKey: nil, actor: "admin") }
                _ = try connection.beginEpoch(shard, after: nil)
                let entries = coupons.enumerated().map { entry(stream(UInt64($0) + 1), $1, [user, other]) }
                _ = try connection.land(batch(entries))
                var listed: [Redemption] = []
                while true {
                    let page = try connection.redemptions(of: user.id, after: listed.last?.id, limit: 3)
                    if page.isEmpty { break }
                    listed += page
                }
                #expect(listed == entries.reversed().map { $0.redemptions[0] })
                #expect(try connection.redemption(id: RedemptionID(outbox: stream(1), tail: .random())) == nil)
                // Without an index of its own: the unique one on (user_id, coupon_id) serves it.
                try connection.script("set enable_seqscan = off")
                let explain = "explain \(PostgresConnection.redemptionPage)"
                let plan = try connection.query(explain, user.id, RedemptionID?.none, 3)
                #expect(try plan.contains { try $0.decode(0, as: String.self).contains("redemptions_once") })
            }
        }
    }
}
