import Domain
import HotPath
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
            #expect(try await shard.hash(shard.keys.user(user.id))["control"] == "1")
        }
    }

    /// The snapshot that loads the user later contains the grant.
    @Test func aGrantForAUserWhoIsNotLoadedOnlyCounts() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await apply(shard, 1, .creditGranted(user.id, amount: 7)) == .applied)
            #expect(try await shard("EXISTS", shard.keys.user(user.id)) == .integer(0))
            #expect(try await shard.store.status().control == 1)
            // Nor is one of an old epoch touched.
            try await shard("HSET", shard.keys.user(user.id), "epoch", "0", "credit", "1", "held", "0", "control", "0")
            #expect(try await apply(shard, 2, .creditGranted(user.id, amount: 7)) == .applied)
            #expect(try await shard.hash(shard.keys.user(user.id))["credit"] == "1")
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
            #expect(try await shard.hash(shard.keys.user(user.id))["credit"] == "9007199254740991")
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
                [], ["1", "1"], ["1", "1", "coupon_deleted"], ["1", "1", "coupon_state"], ["1", "1", "coupon_state", "closed"],
                ["1", "1", "coupon_restocked", "-5"], ["1", "1", "coupon_restocked", "1e3"], ["1", "1", "credit_granted", ""],
                ["1", "1", "credit_granted", "9007199254740992"], ["1", "0", "coupon_state", "active"],
                ["1", "1", "coupon_created", "short", "1", "1", "", "", "active"],
                ["1", "1", "coupon_created", digest, "-1", "1", "", "", "active"],
                ["1", "1", "coupon_created", digest, "1", "1", "soon", "", "active"],
                ["1", "1", "coupon_created", digest, "1", "1", "", ""],
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
