import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

/// Each answer of `redeem.lua`, and what it changes.
@Suite struct RedeemScriptTests {
    let x = CouponID("x")!

    @Test func accepts() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10, total: 5)])
            let user = try await shard.addUser(credit: 100)
            let request = user.request(x)
            let before = now()
            let decision = try await shard.decide(request)

            #expect(decision.code == .accepted)
            let id = try #require(RedemptionID(decision.value))
            #expect(id.uuid.tail == request.tail)
            #expect((before...now()).contains(Int(id.uuid.milliseconds)))
            let entries = try await shard.outbox()
            #expect(entries.count == 1)
            let entry = try #require(entries.first)
            #expect(entry.epoch == shard.epoch)
            #expect(entry.redemptions == [Redemption(id: id, user: user.id, coupon: x, price: 10)])
            #expect(entry.id.milliseconds == id.uuid.milliseconds)
            #expect(try await shard.store.stock(of: [x]) == [x: 4])
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 90, held: 10))
            #expect(try await shard.store.redemptions(of: user.id) == [x: id])
        }
    }

    @Test func answersTheSameRequestWithItsFirstAnswer() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 1)])
            let user = try await shard.addUser()
            let request = user.request(x)
            let first = try await shard.decide(request)
            let state = try await shard.everything()
            // Sold out by now, and the user has redeemed it: neither matters to the same request.
            let before = try await shard.redis.information("persistence", "rdb_changes_since_last_save").flatMap { Int($0) }
            #expect(try await shard.decide(request) == Decision(code: .replayed, value: first.value))
            // WAIT may count the connection's own writes only: a replay has one, then.
            let after = try await shard.redis.information("persistence", "rdb_changes_since_last_save").flatMap { Int($0) }
            #expect(try #require(after) == #require(before) + 1)
            try await shard("HSET", shard.keys.coupon(x), "state", "paused")
            #expect(try await shard.decide(request) == Decision(code: .replayed, value: first.value))
            try await shard("HSET", shard.keys.coupon(x), "state", "active", "ends", "1")
            #expect(try await shard.decide(request) == Decision(code: .replayed, value: first.value))
            try await shard("HSET", shard.keys.coupon(x), "ends", "")
            // With another code it is not the same request.
            #expect(try await shard.decide(user.request(x, code: .wrong, tail: request.tail)).code == .wrongCode)
            try await shard.edit(user.id) { $0.tries = nil }
            #expect(try await shard.everything() == state)
        }
    }

    /// The id that a snapshot of Postgres brought back is as good as the one that the script wrote.
    @Test func answersTheSameRequestAfterARebuild() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let tail = UUIDv7.Tail.random()
            let id = RedemptionID(uuid: UUIDv7(milliseconds: 1_700_000_000_000, tail: tail))
            let user = try await shard.addUser(redemptions: [x: id])
            #expect(try await shard.decide(user.request(x, tail: tail)) == Decision(code: .replayed, value: id.description))
            #expect(try await shard.decide(user.request(x)) == Decision(code: .alreadyRedeemed, value: id.description))
        }
    }

    @Test func refusesWithoutChangingAnything() async throws {
        try await withShard { shard in
            let started = Timestamp(milliseconds: 1)
            let future = Timestamp(milliseconds: Int64(now()) + 60_000)
            try await shard.open([
                .test(price: 101), .test("gone", total: 7, redeemed: 7), .test("paused", state: .paused),
                .test("early", startsAt: future), .test("late", startsAt: started, endsAt: Timestamp(milliseconds: 2)),
                .test("open", startsAt: started, endsAt: future),
            ])
            let user = try await shard.addUser(credit: 100)
            let stranger = TestUser()
            let fresh = TestUser()
            try await shard.addSession(of: fresh)
            let revoked = try await shard.addUser()
            #expect(try await shard.hotPath.sessions.revoke(user: revoked.id, session: revoked.session))
            let state = try await shard.everything()

            func code(_ coupon: String, _ user: TestUser) async throws -> Decision {
                try await shard.decide(user.request(CouponID(coupon)!))
            }
            #expect(try await code("x", user) == Decision(code: .insufficientCredit, value: ""))
            #expect(try await code("gone", user) == Decision(code: .soldOut, value: ""))
            #expect(try await code("paused", user) == Decision(code: .couponPaused, value: ""))
            #expect(try await code("early", user) == Decision(code: .couponNotStarted, value: "\(future.milliseconds)"))
            #expect(try await code("late", user) == Decision(code: .couponEnded, value: ""))
            #expect(try await code("unknown", user) == Decision(code: .couponNotLoaded, value: ""))
            #expect(try await code("x", fresh) == Decision(code: .userNotLoaded, value: ""))
            #expect(try await code("x", stranger) == Decision(code: .userNotLoaded, value: ""))
            #expect(try await code("x", revoked) == Decision(code: .sessionRevoked, value: ""))
            #expect(try await shard.everything() == state)
            #expect(try await code("open", user).code == .accepted)
        }
    }

    @Test func aUserOfAnotherEpochIsNotLoaded() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            try await shard.open([.test()], epoch: Epoch(2))
            #expect(try await shard.decide(user.request(x)).code == .userNotLoaded)
            // Nor is one that a coupon of an old epoch would go with.
            let present = try await shard.addUser(epoch: Epoch(2))
            try await shard("HSET", shard.keys.coupon(x), "epoch", "1")
            #expect(try await shard.decide(present.request(x)).code == .userNotLoaded)
        }
    }

    /// Every check hides those behind it, in the order that the header states.
    @Test func checksInOrder() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 101, total: 1, redeemed: 1, state: .paused)])
            let user = TestUser()
            let request = user.request(x, code: .wrong)
            #expect(try await shard.decide(request).code == .userNotLoaded)
            let snapshot = UserSnapshot(user: user.id, balance: 100, redemptions: [:], control: 0, epoch: shard.epoch)
            #expect(try await shard.store.loadUser(snapshot) == .loaded)
            try await shard.edit(user.id) { $0.tries = .init(attempts: 0, since: 0, lockedUntil: now() + 60_000) }
            #expect(try await shard.decide(request).code == .sessionRevoked)
            try await shard.addSession(of: user)
            #expect(try await shard.decide(request).code == .tooManyAttempts)
            try await shard.edit(user.id) { $0.tries = nil }
            #expect(try await shard.decide(request).code == .couponPaused)
            try await shard("HSET", shard.keys.coupon(x), "state", "active", "ends", "2")
            #expect(try await shard.decide(request).code == .couponEnded)
            try await shard("HSET", shard.keys.coupon(x), "ends", "")
            try await shard.edit(user.id) { $0.redemptions[x] = RedemptionID(uuid: UUIDv7(milliseconds: 1)) }
            #expect(try await shard.decide(request).code == .wrongCode)
            #expect(try await shard.decide(user.request(x)).code == .alreadyRedeemed)
            try await shard.edit(user.id) { $0.redemptions = [:] }
            #expect(try await shard.decide(user.request(x)).code == .soldOut)
            try await shard("HSET", shard.keys.coupon(x), "left", "1")
            #expect(try await shard.decide(user.request(x)).code == .insufficientCredit)
            try await shard.edit(user.id) { $0.available = 101 }
            #expect(try await shard.decide(user.request(x)).code == .accepted)
        }
    }

    /// No number ever becomes 9e+15 or loses its last digit.
    @Test func theGreatestAmountsStayExact() async throws {
        try await withShard { shard in
            let greatest = Limits.amount
            try await shard.open([.test(price: greatest, total: greatest), .test("free", price: 0, total: greatest)])
            let user = try await shard.addUser(credit: greatest)
            let free = CouponID("free")!
            #expect(try await shard.decide(user.request(free)).code == .accepted)
            #expect(try await shard.record(of: user.id)?.available == greatest)
            #expect(try await shard.decide(user.request(x)).code == .accepted)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 0, held: greatest))
            #expect(try await shard.hash(shard.keys.coupon(x))["left"] == "9007199254740990")
            #expect(try await shard.outbox().last?.redemptions.map(\.price) == [greatest])
        }
        try await withShard { shard in
            let odd = 1_000_000_000_000_001
            try await shard.open([.test(price: odd, total: 1)])
            let user = try await shard.addUser(credit: odd * 2 - 1)
            #expect(try await shard.decide(user.request(x)).code == .accepted)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: odd - 1, held: odd))
            #expect(try await shard.decide(try await shard.addUser(credit: odd).request(x)).code == .soldOut)
        }
    }

    @Test func creditForExactlyThePriceIsEnough() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let exact = try await shard.addUser(credit: 10)
            let short = try await shard.addUser(credit: 9)
            let codes = try await shard.decide([exact.request(x), short.request(x)]).map(\.code)
            #expect(codes == [.accepted, .insufficientCredit])
            #expect(try await shard.store.credit(of: exact.id) == Credit(available: 0, held: 10))
        }
    }

    @Test func malformedCallsAreRefusedWhole() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let state = try await shard.everything()
            let head = [shard.keys.coupon(x), shard.keys.outbox, shard.keys.users]
            let session = shard.keys.session(user.session)
            let limits = ["10", "1", "9"].asArguments
            let code = RESPArgument.text(CodeDigest.right.hex)
            func blob(_ count: Int, less: Int = 0) -> RESPArgument {
                let tail = Array(UUIDv7.Tail.random().base64URL.utf8)
                let bytes = (0..<count).flatMap { _ in user.id.uuid.bytes } + (0..<count).flatMap { _ in tail }
                return .bytes(bytes.dropLast(less))
            }
            for (keys, arguments) in [
                (head, limits + [blob(0), code]), (head + [session], limits), (head + [session], limits + [blob(1)]),
                (head + [session], limits + [blob(2), code]), (head + [session], limits + [blob(1, less: 1), code]),
                (head + [session], limits + [blob(1), code, code]), ([], []),
                (head + [session, session, session], limits + [blob(3), code, code]),
                (head + Array(repeating: session, count: 65), limits + [blob(65), code]),
            ] as [([String], [RESPArgument])] {
                let error = await #expect(throws: RedisError.self) { try await shard.call(.redeem, keys: keys, arguments) }
                #expect(error?.serverPrefix == "ERR")
            }
            #expect(try await shard.everything() == state)
        }
    }
}
