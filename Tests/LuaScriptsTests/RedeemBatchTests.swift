import Domain
import HotPath
import LocalStack
import LuaScripts
import RedisClient
import TestSupport
import Testing

/// Requests that are decided in one call.
@Suite struct RedeemBatchTests {
    let x = CouponID("x")!

    @Test func allThatOneCallAcceptedIsOneEntry() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10, total: 100)])
            var users: [TestUser] = []
            for _ in 0..<64 { users.append(try await shard.addUser(credit: 10)) }
            let decisions = try await shard.decide(users.map { $0.request(x) })
            #expect(decisions.allSatisfy { $0.code == .accepted })
            let entries = try await shard.outbox()
            #expect(entries.count == 1)
            #expect(entries[0].redemptions.map(\.user) == users.map(\.id))
            #expect(entries[0].redemptions.map(\.id.description) == decisions.map(\.value))
            #expect(try await shard.store.stock(of: [x]) == [x: 36])
            #expect(try await shard.client.send(["XLEN", shard.keys.outbox]) == .integer(1))
        }
    }

    @Test func theLastUnitsGoToTheFirst() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 2)])
            var requests: [RedeemRequest] = []
            for _ in 0..<4 { requests.append(try await shard.addUser().request(x)) }
            #expect(try await shard.decide(requests).map(\.code) == [.accepted, .accepted, .soldOut, .soldOut])
            #expect(try await shard.store.stock(of: [x]) == [x: 0])
        }
    }

    @Test func twoRequestsOfOneUserSeeEachOther() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let user = try await shard.addUser(credit: 100)
            let request = user.request(x)
            let decisions = try await shard.decide([request, user.request(x), request])
            #expect(decisions.map(\.code) == [.accepted, .alreadyRedeemed, .replayed])
            // All three know the id, which did not exist when the second and third were decided.
            #expect(Set(decisions.map(\.value)).count == 1)
            #expect(RedemptionID(decisions[0].value)?.uuid.tail == request.tail)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 90, held: 10))
            #expect(try await shard.outbox().map(\.redemptions.count) == [1])
        }
    }

    @Test func aFullOutboxKeepsOutOnlyWhatWouldBeAccepted() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let (early, late, poor) = (try await shard.addUser(), try await shard.addUser(), try await shard.addUser(credit: 9))
            let accepted = early.request(x)
            #expect(try await shard.decide([accepted], entries: 1).map(\.code) == [.accepted])
            let before = try await shard.everything()
            let requests = [accepted, late.request(x), early.request(x), poor.request(x), late.request(x, code: .wrong)]
            let codes = try await shard.decide(requests, entries: 1).map(\.code)
            #expect(codes == [.replayed, .backlogFull, .alreadyRedeemed, .insufficientCredit, .wrongCode])
            // But for the count of wrong codes, nothing changed.
            #expect(try await shard.record(of: late.id)?.tries?.attempts == 1)
            try await shard.edit(late.id) { $0.tries = nil }
            #expect(try await shard.everything() == before)
            #expect(try await shard.decide([late.request(x)], entries: 2).map(\.code) == [.accepted])
        }
    }

    @Test func aCallThatAcceptsNothingWritesNoEntry() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 1, redeemed: 1)])
            let user = try await shard.addUser()
            _ = try await shard.decide([user.request(x), user.request(x)])
            #expect(try await shard("EXISTS", shard.keys.outbox) == .integer(0))
        }
    }

    @Test func eachIsDecidedByItself() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let rich = try await shard.addUser()
            let poor = try await shard.addUser(credit: 9)
            let revoked = try await shard.addUser()
            try await shard.hotPath.sessions.revoke(user: revoked.id, session: revoked.session)
            let wrong = try await shard.addUser()
            let last = try await shard.addUser()
            let codes = try await shard.decide([
                TestUser().request(x), rich.request(x), poor.request(x), revoked.request(x), wrong.request(x, code: .wrong),
                last.request(x),
            ]).map(\.code)
            #expect(codes == [.userNotLoaded, .accepted, .insufficientCredit, .sessionRevoked, .wrongCode, .accepted])
            #expect(try await shard.outbox().map { $0.redemptions.map(\.user) } == [[rich.id, last.id]])
        }
    }

    /// One session of several that a user has is enough for its own requests and for no other's.
    @Test func theSessionOfTheRequestCounts() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let gone = RedeemRequest(
                user: user.id,
                session: TestUser().session,
                coupon: x,
                codeDigest: .right,
                tail: .random()
            )
            #expect(try await shard.decide([gone, user.request(x)]).map(\.code) == [.sessionRevoked, .accepted])
        }
    }

    /// At maxmemory Redis refuses the call before its first command.
    @Test func atMaxmemoryNothingIsHalfDone() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let state = try await shard.everything()
            try await shard("CONFIG", "SET", "maxmemory", "1")
            for request in [user.request(x), user.request(x, code: .wrong)] {
                let error = await #expect(throws: RedisError.self) { try await shard.decide(request) }
                #expect(error?.serverPrefix == "OOM")
                #expect(error?.outcomeIsUnknown == false)
            }
            // What only reads still works.
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 100, held: 0))
            try await shard("CONFIG", "SET", "maxmemory", "0")
            #expect(try await shard.everything() == state)
            #expect(try await shard.decide(user.request(x)).code == .accepted)
        }
    }

    /// A record or key that is none is found before anything is written.
    @Test func aCorruptKeyStopsTheWholeCall() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let broken = try await shard.addUser()
            try await shard.set(broken.id, Array("short".utf8))
            let state = try await shard.everything()
            await #expect(throws: RedisError.self) { try await shard.decide([user.request(x), broken.request(x)]) }
            try await shard("SET", shard.keys.outbox, "text")
            await #expect(throws: RedisError.self) { try await shard.decide([user.request(x)]) }
            try await shard("DEL", shard.keys.outbox)
            #expect(try await shard.everything() == state)
        }
    }

    /// Codes may differ within a call.
    @Test func eachCodeIsTheRequestsOwn() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            var users: [TestUser] = []
            for _ in 0..<3 { users.append(try await shard.addUser()) }
            let codes: [CodeDigest] = [.wrong, .right, .wrong]
            let requests = zip(users, codes).map { $0.request(x, code: $1) }
            #expect(try await shard.decide(requests).map(\.code) == [.wrongCode, .accepted, .wrongCode])
        }
    }

    /// A coupon whose name is the end of another one's, or that looks like a part of a record.
    @Test func aCouponIsFoundByItsWholeName() async throws {
        try await withShard { shard in
            let names = ["x", "ax", "a-x", "x-", "0x", "0"]
            try await shard.open(names.map { .test($0, price: 0) })
            let user = try await shard.addUser()
            for name in names {
                let request = user.request(CouponID(name)!)
                let decision = try await shard.decide(request)
                #expect(decision.code == .accepted, "\(name)")
                #expect(try await shard.decide(request) == Decision(code: .replayed, value: decision.value))
            }
            // Numbers whose bytes are `;x=` and more: what stands before the redemptions is not searched.
            let bytes = Array(";x=AAAA;".utf8)
            let other = try await shard.addUser()
            try await shard.set(other.id, bytes + bytes + Array(" ".utf8))
            #expect(try await shard.decide(other.request(x)).code == .accepted)
            let locked = try await shard.addUser()
            try await shard.set(locked.id, bytes + bytes + Array("!".utf8) + bytes + bytes + [UInt8](repeating: 0, count: 8))
            #expect(try await shard.decide(locked.request(x)).code == .accepted)
        }
    }
}
