import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

@Suite struct LoadUserScriptTests {
    private func snapshot(
        of user: TestUser,
        balance: Int = 100,
        redemptions: [CouponID: RedemptionID] = [:],
        control: Int = 0,
        epoch: Int = 1
    ) -> UserSnapshot {
        UserSnapshot(user: user.id, balance: balance, redemptions: redemptions, control: control, epoch: Epoch(epoch))
    }

    @Test func loadsOnce() async throws {
        try await withShard { shard in
            try await shard.open(control: 3)
            let user = TestUser()
            let id = RedemptionID(uuid: UUIDv7(milliseconds: 5))
            let first = snapshot(of: user, balance: Limits.amount, redemptions: [CouponID("a")!: id], control: 3)
            #expect(try await shard.store.loadUser(first) == .loaded)
            var expected = UserRecord(available: Limits.amount, control: 3)
            expected.redemptions[CouponID("a")!] = id
            #expect(try await shard.record(of: user.id) == expected)
            #expect(try await shard.store.loadUser(snapshot(of: user, balance: 7, control: 9)) == .alreadyLoaded)
            #expect(try await shard.record(of: user.id) == expected)
        }
    }

    @Test func refusesAnotherEpoch() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            for epoch in [0, 2] {
                #expect(try await shard.store.loadUser(snapshot(of: user, epoch: epoch)) == .wrongEpoch)
            }
            // A closed shard has no epoch at all.
            try await shard("DEL", shard.keys.shard)
            #expect(try await shard.store.loadUser(snapshot(of: user)) == .wrongEpoch)
            #expect(try await shard.record(of: user.id) == nil)
        }
    }

    /// Between the snapshot and now a grant was applied, which passed the user by.
    @Test func refusesASnapshotFromBeforeTheShardsControl() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let old = snapshot(of: user, balance: 0, control: 0)
            let grant = ControlEntry(sequence: 1, change: .creditGranted(user.id, amount: 5))
            #expect(try await shard.store.applyControl(grant, epoch: shard.epoch) == .applied)
            #expect(try await shard.store.loadUser(old) == .staleSnapshot)
            #expect(try await shard.record(of: user.id) == nil)
            #expect(try await shard.store.loadUser(snapshot(of: user, balance: 5, control: 1)) == .loaded)
        }
    }

    /// A snapshot may be ahead of the shard: what it contains is then not added again.
    @Test func aSnapshotAheadOfTheShardHasItsGrants() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await shard.store.loadUser(snapshot(of: user, balance: 5, control: 1)) == .loaded)
            let known = ControlEntry(sequence: 1, change: .creditGranted(user.id, amount: 5))
            #expect(try await shard.store.applyControl(known, epoch: shard.epoch) == .applied)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 5, held: 0))
            let next = ControlEntry(sequence: 2, change: .creditGranted(user.id, amount: 2))
            #expect(try await shard.store.applyControl(next, epoch: shard.epoch) == .applied)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 7, held: 0))
        }
    }

    @Test func nothingOfAnOldEpochRemains() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser(redemptions: [CouponID("old")!: RedemptionID(uuid: UUIDv7(milliseconds: 1))])
            try await shard.edit(user.id) { $0.tries = .init(attempts: 3, since: 0, lockedUntil: 9_999_999_999_999) }
            try await shard.open([.test()], epoch: Epoch(2))
            #expect(try await shard.store.loadUser(snapshot(of: user, balance: 1, epoch: 2)) == .loaded)
            #expect(try await shard.record(of: user.id) == UserRecord(available: 1, control: 0))
        }
    }

    /// More fields than Lua's stack has places.
    @Test func aUserOfTenThousandRedemptions() async throws {
        try await withShard { shard in
            try await shard.open()
            var redemptions: [CouponID: RedemptionID] = [:]
            for index in 0..<10_001 { redemptions[CouponID("c\(index)")!] = RedemptionID(uuid: UUIDv7(milliseconds: 1)) }
            let user = try await shard.addUser(redemptions: redemptions)
            #expect(try await shard.store.redemptions(of: user.id) == redemptions)
        }
    }

    @Test(arguments: ["-1", "9007199254740992", "1e3", "", "x", "1.5"])
    func aBalanceThatIsNoAmountIsAnError(_ balance: String) async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let keys = [shard.keys.shard, shard.keys.users]
            let id = RESPArgument.bytes(user.id.uuid.bytes)
            for arguments: [RESPArgument] in [
                ["1", balance, "0"].asArguments + [id], ["1", "0", balance].asArguments + [id],
                ["1", "0", "0"].asArguments + [id, .text("coupon without id")],
                ["1", "0", "0"].asArguments + [id, .text("coupon"), .text("short")],
                ["1", "0", "0"].asArguments + [id, .text("a;b"), .text(String(repeating: "A", count: 22))],
                ["1", "0", "0"].asArguments + [id, .text("a"), .text(String(repeating: ";", count: 22))],
                ["1", "0", "0", "\(user.id)"].asArguments,
            ] {
                let error = await #expect(throws: RedisError.self) { try await shard.call(.loadUser, keys: keys, arguments) }
                #expect(error?.serverPrefix == "ERR")
            }
            #expect(try await shard("HLEN", keys[1]) == .integer(1))
        }
    }

    @Test func atMaxmemoryNothingIsLoaded() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            try await shard("CONFIG", "SET", "maxmemory", "1")
            let error = await #expect(throws: RedisError.self) { try await shard.store.loadUser(snapshot(of: user)) }
            #expect(error?.serverPrefix == "OOM")
            #expect(try await shard.record(of: user.id) == nil)
        }
    }

    @Test func userStateIsOfThePresentEpochOnly() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser(credit: 5)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 5, held: 0))
            #expect(try await shard.store.redemptions(of: user.id) == [:])
            #expect(try await shard.store.credits(of: [user.id, TestUser().id]) == [user.id: Credit(available: 5, held: 0)])
            #expect(try await shard.store.credit(of: TestUser().id) == nil)
            #expect(try await shard.store.redemptions(of: TestUser().id) == nil)
            try await shard.open([.test()], epoch: Epoch(2))
            #expect(try await shard.store.credit(of: user.id) == nil)
            try await shard("DEL", shard.keys.shard)
            #expect(try await shard.store.credit(of: user.id) == nil)
            let id = RESPArgument.bytes(user.id.uuid.bytes)
            for arguments: [RESPArgument] in [
                [], [.text("all"), id, .text("9")], [.text("credit"), id], [.text("credit"), .text("\(user.id)"), .text("9")],
                [.text("credit"), id, .text("many")],
            ] {
                let keys = [shard.keys.shard, shard.keys.users, shard.keys.outbox]
                await #expect(throws: RedisError.self) { try await shard.call(.userState, keys: keys, arguments) }
            }
        }
    }
}
