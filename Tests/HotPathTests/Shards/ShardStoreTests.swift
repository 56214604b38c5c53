import Domain
import LocalStack
import LuaScripts
import NIOPosix
import RedisClient
import TestSupport
import Testing

@testable import HotPath

@Suite struct ShardStoreTests {
    let x = CouponID("x")!

    @Test func namesKeysByShard() {
        let keys = Keys(Shard(index: 3))
        let user = UserID("0197f000-0000-7000-8000-000000000001")!
        let session = SessionID("0197f000-0000-7000-8000-000000000002")!
        #expect(keys.shard == "{s3}:record")
        #expect(keys.outbox == "{s3}:outbox")
        #expect(keys.fence == "{s3}:fence")
        #expect(keys.coupon(x) == "{s3}:coupon:x")
        #expect(keys.users == "{s3}:users")
        #expect(keys.session(session) == "{s3}:session:0197f000-0000-7000-8000-000000000002")
        #expect(keys.sessions(user) == "{s3}:sessions:0197f000-0000-7000-8000-000000000001")
    }

    @Test func statusSaysWhereTheShardStands() async throws {
        try await withShard { shard in
            let empty = try await shard.store.status()
            #expect(empty.redis.description.count == 40)
            let expected = ShardStatus(
                layout: .none,
                outboxLastID: .zero,
                outboxLength: 0,
                scriptsLoaded: false,
                redis: empty.redis
            )
            #expect(empty == expected)

            try await shard.open([.test()], epoch: Epoch(4), control: 9)
            var status = try await shard.store.status()
            #expect(status.epoch == Epoch(4) && status.begunEpoch == Epoch(4) && status.control == 9 && status.scriptsLoaded)
            let user = try await shard.addUser(control: 9, epoch: Epoch(4))
            let id = try await redemption(shard, user.request(x)).id
            status = try await shard.store.status()
            #expect(status.outboxLength == 1)
            #expect(status.outboxLastID.milliseconds == id.uuid.milliseconds)

            // One script missing is enough to be closed.
            try await shard("SCRIPT", "FLUSH")
            try await shard("SCRIPT", "LOAD", Script.redeem.source(in: status.redis))
            #expect(try await shard.store.status().scriptsLoaded == false)
        }
    }

    @Test func aMissingScriptIsAClosedShard() async throws {
        try await withShard { shard in
            let user = TestUser()
            let error = await #expect(throws: RedisError.self) { try await shard.store.credit(of: user.id) }
            #expect(error?.isShardClosed == true)
            #expect(error?.outcomeIsUnknown == false)
            let bulk = await #expect(throws: RedisError.self) { try await shard.store.credits(of: [user.id]) }
            #expect(bulk?.isShardClosed == true)
            try await shard.open()
            #expect(try await shard.store.credit(of: user.id) == nil)
        }
    }

    /// A stale owner may load the scripts of a closed shard, or a server may: there is nothing to redeem in it.
    @Test func aClosedShardRedeemsNothingEvenWithItsScripts() async throws {
        try await withShard { shard in
            try await shard.open([.test(), .test("unknown-to-postgres")])
            let user = try await shard.addUser()
            _ = try await redemption(shard, user.request(x))
            let entries = try await shard.store.readOutbox(after: .zero, count: 10)
            try await shard.store.close(coupons: [x])
            let error = await #expect(throws: RedisError.self) { try await shard.hotPath.redeem(user.request(x)) }
            #expect(error?.isShardClosed == true)

            try await shard.store.loadScripts()
            let other = CouponID("unknown-to-postgres")!
            #expect(try await shard.hotPath.redeem(user.request(x)) == .couponNotLoaded)
            #expect(try await shard.hotPath.redeem(user.request(other)) == .couponNotLoaded)
            let snapshot = UserSnapshot(user: TestUser().id, balance: 5, redemptions: [:], control: 0, epoch: shard.epoch)
            #expect(try await shard.store.loadUser(snapshot) == .wrongEpoch)
            let grant = ControlEntry(sequence: 1, change: .creditGranted(user.id, amount: 1))
            #expect(try await shard.store.applyControl(grant, epoch: shard.epoch) == .wrongEpoch)
            #expect(try await shard.store.settle(shard.epoch, entries) == .wrongEpoch)
            // What was accepted before is there to be drained.
            #expect(try await shard.store.readOutbox(after: .zero, count: 10) == entries)

            // Nor does it in the middle of the rebuild: coupons are there, but no user is of their epoch.
            try await shard.store.beginEpoch(Epoch(2))
            try await shard.store.writeCoupons([.test()], epoch: Epoch(2))
            #expect(try await shard.hotPath.redeem(user.request(x)) == .userNotLoaded)
            try await shard.store.writeShard(epoch: Epoch(2), control: 0)
            #expect(try await shard.hotPath.redeem(user.request(x)) == .userNotLoaded)
            #expect(try await shard.store.readOutbox(after: .zero, count: 10) == [])
        }
    }

    @Test func manyUsersAreLoadedTogether() async throws {
        try await withShard { shard in
            try await shard.open()
            let users = (0..<1200).map { _ in TestUser().id }
            var snapshots = users.map {
                UserSnapshot(user: $0, balance: 7, redemptions: [:], control: 0, epoch: shard.epoch)
            }
            snapshots.append(UserSnapshot(user: TestUser().id, balance: 7, redemptions: [:], control: 0, epoch: Epoch(9)))
            snapshots.append(snapshots[0])
            let replies = try await shard.store.loadUsers(snapshots)
            #expect(replies == Array(repeating: .loaded, count: 1200) + [.wrongEpoch, .alreadyLoaded])
            let credits = try await shard.store.credits(of: users)
            #expect(credits == Dictionary(uniqueKeysWithValues: users.map { ($0, Credit(available: 7, held: 0)) }))
            #expect(try await shard.store.loadUsers([]) == [])
        }
    }

    @Test func readsTheOutboxInParts() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            #expect(try await shard.store.readOutbox(after: .zero, count: 10) == [])
            #expect(try await shard.store.readOutbox(after: .zero, count: 10, block: .milliseconds(20)) == [])
            var ids: [RedemptionID] = []
            for _ in 0..<3 { ids.append(try await redemption(shard, shard.addUser().request(x)).id) }
            try await shard("XADD", shard.keys.outbox, "*", "epoch", "1", "coupon", "X!", "price", "1", "u", "t")
            let first = try await shard.store.readOutbox(after: .zero, count: 2, block: .seconds(1))
            let rest = try await shard.store.readOutbox(after: first[1].id, count: 10)
            #expect((first + rest).prefix(3).compactMap(\.onlyRedemption) == ids)
            #expect(rest.count == 2)
            guard case .malformed(_, let fields, let reason) = rest[1] else { throw TestFailure("\(rest[1])") }
            #expect(fields == ["epoch", "1", "coupon", "X!", "price", "1", "u", "t"])
            #expect(reason == "not a coupon id: 'X!'")
        }
    }

    /// A read that waits is woken by the entry, not by its end.
    @Test func aBlockedReadIsWoken() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            // On a connection of its own: the redemption is not to wait behind it.
            let reader = RedisClient(
                configuration: try .forTests(shard.redis.url),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger()
            )
            let ids = try await stopping({ await reader.close() }) {
                try await reader.connect()
                let store = HotPath(client: reader).stores[0]
                async let read = store.readOutbox(after: .zero, count: 10, block: .seconds(60))
                let redemption = try await redemption(shard, user.request(x))
                return try await (read.compactMap(\.onlyRedemption), [redemption.id])
            }
            #expect(ids.0 == ids.1)
        }
    }

    @Test(arguments: [
        ["a", "1"], ["epoch", "1", "coupon", "x", "price", "1"], ["epoch", "1", "coupon", "x", "price", "1", "user"],
        ["epoch", "one", "coupon", "x", "price", "1", "u", "t"], ["epoch", "1", "coupon", "x", "price", "-1", "u", "t"],
        ["epoch", "1", "coupon", "x", "price", "1", "u", "t"],
        ["epoch", "1", "coupon", "x", "price", "1", "0197f000-0000-7000-8000-000000000001", "t"],
        ["epoch", "1", "coupon", "x", "price", "1", "redemptions", ""],
        ["epoch", "1", "coupon", "x", "price", "1", "redemptions", "30 bytes that are no redemptio"],
        ["epoch", "1", "coupon", "x", "price", "1", "redemptions", "", "redemptions", ""],
    ])
    func whatIsNoEntryIsMalformed(_ fields: [String]) {
        let id = StreamID(milliseconds: 1, sequence: 2)
        guard case .malformed(id, fields, let reason) = OutboxRead(id: id, fields: fields.map { .string($0) }) else {
            Issue.record("\(fields)")
            return
        }
        #expect(!reason.isEmpty)
    }

    /// What is not text is shown whole, in a form that Postgres can keep.
    @Test(
        arguments: [
            ([0xFF, 0x00, 0x3B], #"\xff003b"#, "3 bytes of redemptions, which are 30 each"),
            ([UInt8](repeating: 0, count: 30), #"\x"# + String(repeating: "00", count: 30), "redemption 1 is not of a user"),
            (
                UUIDv7(milliseconds: 1, tail: UUIDv7.Tail(high: 0, low: 0)).bytes + Array("AAAAAAAAAAAAA!".utf8),
                #"\x00000000000170008000000000000000"# + String(repeating: "41", count: 13) + "21",
                "redemption 1 has no tail of an id"
            ),
        ] as [([UInt8], String, String)]
    )
    func bytesThatAreNoRedemptionsAreShown(_ bytes: [UInt8], _ shown: String, _ reason: String) {
        let head: [RESPValue] = ["epoch", "1", "coupon", "x", "price", "1", "redemptions"].map { .string($0) }
        let id = StreamID(milliseconds: 1, sequence: 2)
        guard case .malformed(id, let fields, reason) = OutboxRead(id: id, fields: head + [.bytes(bytes)]) else {
            Issue.record("\(OutboxRead(id: id, fields: head + [.bytes(bytes)]))")
            return
        }
        #expect(fields.last == shown)
    }

    /// Entries that an earlier version wrote land like any other.
    @Test func entriesOfEarlierVersionsAreRead() {
        let id = StreamID(milliseconds: 1, sequence: 2)
        let user = TestUser().id
        let tail = UUIDv7.Tail.random()
        let head: [RESPValue] = ["epoch", "1", "coupon", "x", "price", "7"].map { .string($0) }
        let old = OutboxRead(id: id, fields: head + [.string("\(user)"), .string("\(tail)")])
        let new = OutboxRead(
            id: id,
            fields: head + [.string("redemptions"), .bytes(user.uuid.bytes + Array(tail.base64URL.utf8))]
        )
        let redemption = Redemption(id: RedemptionID(outbox: id, tail: tail), user: user, coupon: x, price: 7)
        #expect(old == .entry(OutboxEntry(id: id, epoch: Epoch(1), redemptions: [redemption])))
        #expect(old == new)
    }

    @Test func settlesManyEntries() async throws {
        try await withShard { shard in
            try await shard.open([.test("x", price: 1, total: 1000), .test("y", price: 2, total: 1000)])
            var users: [TestUser] = []
            for _ in 0..<200 { users.append(try await shard.addUser()) }
            for user in users {
                for coupon in [x, CouponID("y")!] { _ = try await redemption(shard, user.request(coupon)) }
            }
            let reads = try await shard.store.readOutbox(after: .zero, count: 1000)
            #expect(reads.count == 400)
            #expect(try await shard.store.settle(shard.epoch, reads) == .settled)
            let credits = try await shard.store.credits(of: users.map(\.id))
            #expect(credits.values.allSatisfy { $0 == Credit(available: 97, held: 0) })
            #expect(try await shard.store.status().outboxLength == 0)
            #expect(try await shard.store.settle(shard.epoch, []) == .settled)
        }
    }

    @Test func createsManySessions() async throws {
        try await withShard { shard in
            try await shard.open()
            let logins = (0..<1200).map { _ in
                NewSession(
                    id: TestUser().session,
                    user: TestUser().id,
                    role: .user,
                    version: 1,
                    refreshDigest: "d"
                )
            }
            let sessions = shard.hotPath.sessions
            let replies = try await sessions.createMany(logins + [logins[0]], SessionLimits())
            #expect(replies == Array(repeating: .created, count: 1200) + [.sessionExists])
            #expect(try await sessions.exists(user: logins[1199].user, session: logins[1199].id))
        }
    }

    private func redemption(_ shard: TestShard, _ request: RedeemRequest) async throws -> Redemption {
        let reply = try await shard.hotPath.redeem(request)
        guard case .accepted(let redemption) = reply else { throw TestFailure("\(reply)") }
        return redemption
    }
}

extension OutboxRead {
    fileprivate var onlyRedemption: RedemptionID? {
        guard case .entry(let entry) = self, entry.redemptions.count == 1 else { return nil }
        return entry.redemptions[0].id
    }
}
