import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

/// The scripts of a rebuild, and the fence that keeps an owner of the past out.
@Suite struct RebuildScriptTests {
    let x = CouponID("x")!

    @Test func anEpochIsBegunOnce() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            _ = try await shard.decide(user.request(x))
            let state = try await shard.everything()
            for epoch in [Epoch(1), Epoch(0)] {
                let error = await #expect(throws: RedisError.self) { try await shard.store.beginEpoch(epoch) }
                #expect(error?.isFenced == true)
            }
            #expect(try await shard.everything() == state)
            try await shard.store.beginEpoch(Epoch(5))
            #expect(try await shard("EXISTS", shard.keys.outbox, shard.keys.shard) == .integer(0))
            #expect(try await shard.hash(shard.keys.users) == ["epoch": "5"])
            let status = try await shard.store.status()
            #expect(status.begunEpoch == Epoch(5))
            #expect(status.epoch == nil)
        }
    }

    @Test func couponsAndRecordAreOfTheEpochThatWasBegun() async throws {
        try await withShard { shard in
            func fenced(_ body: () async throws -> Void) async {
                let error = await #expect(throws: RedisError.self) { try await body() }
                #expect(error?.isFenced == true)
            }
            await fenced { try await shard.store.writeCoupons([.test()], epoch: Epoch(1)) }
            await fenced { try await shard.store.writeShard(epoch: Epoch(1), control: 0) }
            try await shard.store.beginEpoch(Epoch(2))
            for epoch in [Epoch(1), Epoch(3)] {
                await fenced { try await shard.store.writeCoupons([.test()], epoch: epoch) }
                await fenced { try await shard.store.writeShard(epoch: epoch, control: 0) }
            }
            #expect(try await shard("EXISTS", shard.keys.shard, shard.keys.coupon(x)) == .integer(0))

            let ends = Timestamp(milliseconds: 9)
            let coupon = Coupon.test(price: 3, total: Limits.amount, redeemed: 1, endsAt: ends, state: .paused)
            try await shard.store.writeCoupons([coupon], epoch: Epoch(2))
            let expected = [
                "epoch": "2", "code": CodeDigest.right.hex, "price": "3", "left": "9007199254740990", "starts": "", "ends": "9",
                "state": "paused",
            ]
            #expect(try await shard.hash(shard.keys.coupon(x)) == expected)
            try await shard.store.writeShard(epoch: Epoch(2), control: 7)
            let record = ["epoch": "2", "control": "7", "mark": "0", "trimmed": "0"]
            #expect(try await shard.hash(shard.keys.shard) == record)
            // From here on redemptions change the coupons.
            await fenced { try await shard.store.writeCoupons([.test()], epoch: Epoch(2)) }
            await fenced { try await shard.store.writeShard(epoch: Epoch(2), control: 0) }
            #expect(try await shard.hash(shard.keys.coupon(x)) == expected)
        }
    }

    @Test func manyCouponsAreWrittenInParts() async throws {
        try await withShard { shard in
            let coupons = (0..<250).map { Coupon.test("c\($0)", total: $0) }
            try await shard.open(coupons)
            let stock = try await shard.store.stock(of: coupons.map(\.id) + [x])
            #expect(stock == Dictionary(uniqueKeysWithValues: coupons.map { ($0.id, $0.total) }))
        }
    }

    /// The command with which a worker of an earlier version begins, and the one with which its servers load a user.
    @Test func aWorkerOfAnEarlierVersionIsTurnedAway() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            for command in [["HMGET", "{s0}:shard", "epoch", "control"], ["HGET", "{s0}:shard", "epoch"]] {
                let error = await #expect(throws: RedisError.self) { try await shard.client.send(command) }
                #expect(error?.serverPrefix == "WRONGTYPE")
            }
            #expect(try await shard.store.status().layout == .current)
            try await shard("DEL", "{s0}:shard")
            #expect(try await shard.store.status().layout == .none)
            try await shard("HSET", "{s0}:shard", "epoch", "1")
            #expect(try await shard.store.status().layout == .earlier)
        }
    }

    /// EVAL leaves its script in Redis's cache; it must not leave a way in.
    @Test func aRebuildOpensNothing() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            try await shard.store.close(coupons: [x])
            try await shard.store.beginEpoch(Epoch(2))
            try await shard.store.writeCoupons([.test()], epoch: Epoch(2))
            try await shard.store.writeShard(epoch: Epoch(2), control: 0)
            for script in Script.opening {
                let error = await #expect(throws: RedisError.self) { try await shard.call(script, keys: ["{s0}:k"]) }
                #expect(error?.isShardClosed == true)
            }
            let error = await #expect(throws: RedisError.self) { try await shard.decide(user.request(x)) }
            #expect(error?.isShardClosed == true)
        }
    }

    @Test func malformedCallsAreRefused() async throws {
        try await withShard { shard in
            try await shard.store.beginEpoch(Epoch(1))
            let keys = [shard.keys.fence, shard.keys.shard, shard.keys.coupon(x), shard.keys.users, shard.keys.earlierShard]
            let digest = CodeDigest.right.hex
            for (script, count, arguments) in [
                (Script.beginEpoch, 3, ["2"]), (.beginEpoch, 5, ["next"]), (.loadCoupon, 3, ["1"]),
                (.loadCoupon, 3, ["1", digest, "1", "-1", "", "", "active"]),
                (.loadCoupon, 3, ["1", digest, "1.5", "1", "", "", "active"]),
                (.loadCoupon, 3, ["1", digest, "1", "1", "x", "", "active"]),
                (.loadCoupon, 3, ["1", digest, "1", "1", "", "", "gone"]),
                (.loadCoupon, 3, ["1", "short", "1", "1", "", "", "active"]),
                (.writeShard, 2, ["1", "1"]), (.writeShard, 2, ["1", "-1", "1"]), (.writeShard, 2, ["1", "1", "-1"]),
                (.writeShard, 3, ["1", "1", "1"]),
            ] {
                let error = await #expect(throws: RedisError.self) {
                    try await shard.client.send(["EVAL", script.source, "\(count)"] + keys.prefix(count) + arguments)
                }
                #expect(error?.serverPrefix == "ERR", "\(script) \(arguments)")
            }
            #expect(try await shard("EXISTS", shard.keys.shard, shard.keys.coupon(x)) == .integer(0))
        }
    }
}
