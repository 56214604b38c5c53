import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

@Suite struct ApplyControlScriptTests {
    let x = CouponID("x")!

    private func apply(_ shard: TestShard, _ sequence: Int, _ change: ControlChange) async throws -> ApplyControlReply {
        try await shard.store.applyControl(ControlEntry(sequence: sequence, change: change), epoch: shard.epoch)
    }

    @Test func appliesInOrderAndOnce() async throws {
        try await withShard { shard in
            try await shard.open(control: 6)
            let starts = Timestamp(milliseconds: 5)
            let coupon = Coupon.test("x", price: 3, total: 10, startsAt: starts)
            #expect(try await apply(shard, 8, .couponCreated(coupon)) == .gap)
            #expect(try await apply(shard, 6, .couponCreated(coupon)) == .alreadyApplied)
            #expect(try await shard("EXISTS", shard.keys.coupon(x)) == .integer(0))
            #expect(try await apply(shard, 7, .couponCreated(coupon)) == .applied)
            let expected = [
                "epoch": "1", "code": CodeDigest.right.hex, "price": "3", "left": "10", "starts": "5", "ends": "",
                "state": "active",
            ]
            #expect(try await shard.hash(shard.keys.coupon(x)) == expected)
            #expect(try await apply(shard, 7, .couponCreated(coupon)) == .alreadyApplied)
            #expect(try await apply(shard, 8, .couponState(x, .paused)) == .applied)
            #expect(try await shard.hash(shard.keys.coupon(x))["state"] == "paused")
            #expect(try await apply(shard, 9, .couponState(x, .active)) == .applied)
            #expect(try await apply(shard, 10, .couponRestocked(x, amount: 5)) == .applied)
            #expect(try await apply(shard, 10, .couponRestocked(x, amount: 5)) == .alreadyApplied)
            #expect(try await apply(shard, 12, .couponRestocked(x, amount: 5)) == .gap)
            #expect(try await shard.store.stock(of: [x]) == [x: 15])
            #expect(try await shard.store.status().control == 10)
        }
    }

    @Test func grantsToLoadedUsers() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let user = try await shard.addUser(credit: 10)
            _ = try await shard.decide(user.request(x))
            #expect(try await apply(shard, 1, .creditGranted(user.id, amount: 7)) == .applied)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 7, held: 10))
            #expect(try await shard.record(of: user.id)?.control == 1)
        }
    }

    /// The snapshot that loads the user later contains the grant.
    @Test func aGrantForAUserWhoIsNotLoadedOnlyCounts() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await apply(shard, 1, .creditGranted(user.id, amount: 7)) == .applied)
            #expect(try await shard.record(of: user.id) == nil)
            #expect(try await shard.store.status().control == 1)
            // Nor is one of an old epoch touched.
            let old = try await shard.addUser(credit: 1, control: 1)
            try await shard("HSET", shard.keys.users, "epoch", "0")
            #expect(try await apply(shard, 2, .creditGranted(old.id, amount: 7)) == .applied)
            #expect(try await shard.record(of: old.id) == UserRecord(available: 1, control: 1))
        }
    }

    @Test func givesBackWhatWasDroppedOnce() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10, total: 5)])
            let user = try await shard.addUser(credit: 30)
            let decision = try await shard.decide(user.request(x))
            let id = try #require(RedemptionID(decision.value))
            let dropped = ControlChange.redemptionDropped(Redemption(id: id, user: user.id, coupon: x, price: 10))
            #expect(try await apply(shard, 2, dropped) == .gap)
            #expect(try await shard.store.stock(of: [x]) == [x: 4])
            #expect(try await apply(shard, 1, dropped) == .applied)
            // Nothing of it is held any more, though its entry is still to be settled.
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 30, held: 0))
            #expect(try await shard.store.redemptions(of: user.id) == [:])
            #expect(try await shard.store.stock(of: [x]) == [x: 5])
            _ = try await shard.store.settle(shard.epoch, entries: try await shard.outbox())
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 30, held: 0))
            let state = try await shard.everything()
            #expect(try await apply(shard, 1, dropped) == .alreadyApplied)
            #expect(try await shard.everything() == state)
            // Of the same user and coupon, and another one.
            #expect(try await shard.decide(user.request(x)).code == .accepted)
            #expect(try await apply(shard, 2, dropped) == .applied)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 20, held: 10))
            #expect(try await shard.store.stock(of: [x]) == [x: 4])
        }
    }

    /// A user who was loaded after the drop has not paid, and a coupon that is not there cannot get its use back.
    @Test func givesNothingBackToThoseWhoHaveItNot() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10, total: 5)])
            let id = RedemptionID(uuid: UUIDv7(milliseconds: 5))
            let user = try await shard.addUser(credit: 30)
            let stranger = TestUser()
            for (sequence, id) in [(1, user.id), (2, stranger.id)] {
                let redemption = Redemption(id: RedemptionID(uuid: UUIDv7(milliseconds: 5)), user: id, coupon: x, price: 10)
                #expect(try await apply(shard, sequence, .redemptionDropped(redemption)) == .applied)
            }
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 30, held: 0))
            #expect(try await shard.store.stock(of: [x]) == [x: 5])
            #expect(try await shard.record(of: stranger.id) == nil)

            let owner = try await shard.addUser(credit: 30, redemptions: [x: id], control: 2)
            try await shard("DEL", shard.keys.coupon(x))
            let state = try await shard.everything()
            let dropped = ControlChange.redemptionDropped(Redemption(id: id, user: owner.id, coupon: x, price: 10))
            #expect(try await apply(shard, 3, dropped) == .couponNotLoaded)
            #expect(try await shard.everything() == state)
        }
    }

    @Test func aRebuildOfAnotherShardOnlyCounts() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let state = try await shard.hash(shard.keys.coupon(x))
            #expect(try await apply(shard, 1, .shardRebuild(Shard(index: 7))) == .applied)
            #expect(try await shard.hash(shard.keys.coupon(x)) == state)
            #expect(try await shard.store.status().control == 1)
        }
    }

    @Test func refusesAnotherEpoch() async throws {
        try await withShard { shard in
            try await shard.open()
            let entry = ControlEntry(sequence: 1, change: .couponCreated(.test()))
            #expect(try await shard.store.applyControl(entry, epoch: Epoch(2)) == .wrongEpoch)
            try await shard("DEL", shard.keys.shard)
            #expect(try await shard.store.applyControl(entry, epoch: shard.epoch) == .wrongEpoch)
            #expect(try await shard("EXISTS", shard.keys.coupon(x)) == .integer(0))
        }
    }

    @Test func saysThatRedisAndPostgresHaveParted() async throws {
        try await withShard { shard in
            try await shard.open([.test("y")])
            let y = CouponID("y")!
            let user = try await shard.addUser(credit: Limits.amount - 1)
            let state = try await shard.everything()
            #expect(try await apply(shard, 1, .couponState(x, .paused)) == .couponNotLoaded)
            #expect(try await apply(shard, 1, .couponRestocked(x, amount: 1)) == .couponNotLoaded)
            #expect(try await apply(shard, 1, .couponCreated(.test("y", total: 7))) == .couponAlreadyLoaded)
            #expect(try await apply(shard, 1, .couponRestocked(y, amount: Limits.amount)) == .amountOutOfRange)
            #expect(try await apply(shard, 1, .creditGranted(user.id, amount: 2)) == .amountOutOfRange)
            #expect(try await shard.everything() == state)
        }
    }

    @Test func theGreatestAmountsStayExact() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 1)])
            let user = try await shard.addUser(credit: 0)
            #expect(try await apply(shard, 1, .creditGranted(user.id, amount: Limits.amount)) == .applied)
            #expect(try await shard.record(of: user.id)?.available == Limits.amount)
            #expect(try await apply(shard, 2, .couponRestocked(x, amount: Limits.amount - 1)) == .applied)
            #expect(try await shard.hash(shard.keys.coupon(x))["left"] == "9007199254740991")
            try await shard("HSET", shard.keys.shard, "control", "999999999999999")
            #expect(try await apply(shard, 1_000_000_000_000_000, .couponState(x, .paused)) == .applied)
            #expect(try await shard.hash(shard.keys.shard)["control"] == "1000000000000000")
        }
    }

    @Test func malformedCallsAreRefused() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let keys = [shard.keys.shard, shard.keys.coupon(x)]
            let digest = CodeDigest.right.hex
            let state = try await shard.everything()
            for arguments in [
                [], ["1", "1", "0"], ["1", "1", "0", "coupon_deleted"], ["1", "1", "0", "coupon_state"],
                ["1", "1", "0", "coupon_state", "closed"],
                ["1", "1", "0", "coupon_restocked", "-5"], ["1", "1", "0", "coupon_restocked", "1e3"],
                ["1", "1", "0", "credit_granted", "", "0123456789abcdef"], ["1", "1", "0", "credit_granted", "1"],
                ["1", "1", "0", "credit_granted", "1", "0123456789abcdefg"],
                ["1", "1", "0", "credit_granted", "9007199254740992", "0123456789abcdef"],
                ["1", "0", "0", "coupon_state", "active"],
                ["1", "1", "0", "coupon_created", "short", "1", "1", "", "", "active"],
                ["1", "1", "0", "coupon_created", digest, "-1", "1", "", "", "active"],
                ["1", "1", "0", "coupon_created", digest, "1", "1", "soon", "", "active"],
                ["1", "1", "0", "coupon_created", digest, "1", "1", "", ""],
                // It takes three keys.
                ["1", "1", "0", "redemption_dropped", String(repeating: "A", count: 22), "1", "0123456789abcdef"],
            ] {
                let error = await #expect(throws: RedisError.self) {
                    try await shard.call(.applyControl, keys: keys, arguments)
                }
                #expect(error?.serverPrefix == "ERR", "\(arguments)")
            }
            #expect(try await shard.everything() == state)
        }
    }
}
