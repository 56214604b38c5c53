import Domain
import HotPath
import LuaScripts
import TestSupport
import Testing

/// Hidden codes are guarded like passwords.
@Suite struct WrongCodeTests {
    let x = CouponID("x")!

    @Test func locksOutAtTheLimit() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            for _ in 1..<Limits.wrongCodes {
                #expect(try await shard.decide(user.request(x, code: .wrong)).code == .wrongCode)
            }
            #expect(try await shard.record(of: user.id)?.tries?.attempts == Limits.wrongCodes - 1)
            #expect(try await shard.decide(user.request(x, code: .wrong)).code == .wrongCode)
            let locked = try await shard.decide(user.request(x))
            #expect(locked.code == .tooManyAttempts)
            #expect((595...600).contains(Int(locked.value) ?? 0))
            #expect(try await shard.outbox().isEmpty)

            // The lock ends, and the count begins again.
            try await shard.edit(user.id) { $0.tries?.lockedUntil = now() }
            #expect(try await shard.decide(user.request(x, code: .wrong)).code == .wrongCode)
            #expect(try await shard.record(of: user.id)?.tries?.attempts == 1)
            #expect(try await shard.decide(user.request(x)).code == .accepted)
            // What was counted stays beside what was redeemed.
            #expect(try await shard.record(of: user.id)?.tries?.attempts == 1)
        }
    }

    @Test func aPartOfASecondIsAWholeOneToWait() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            var (until, decision): (Int, Decision?)
            // Again where the lock ran out before Redis decided.
            repeat {
                let user = try await shard.addUser()
                until = Int(now()) + 500
                try await shard.edit(user.id) { $0.tries = .init(attempts: 0, since: 0, lockedUntil: until) }
                decision = try await shard.decide(user.request(x))
            } while decision?.code == .accepted && now() >= until
            #expect(decision == Decision(code: .tooManyAttempts, value: "1"))
        }
    }

    @Test func triesOfAnEarlierWindowAreForgotten() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            try await shard.edit(user.id) { $0.tries = .init(attempts: 9, since: now() - 600_001, lockedUntil: 0) }
            #expect(try await shard.decide(user.request(x, code: .wrong)).code == .wrongCode)
            #expect(try await shard.record(of: user.id)?.tries?.attempts == 1)
            try await shard.edit(user.id) { $0.tries = .init(attempts: 9, since: now() - 590_000, lockedUntil: 0) }
            #expect(try await shard.decide(user.request(x, code: .wrong)).code == .wrongCode)
            #expect(try await shard.decide(user.request(x)).code == .tooManyAttempts)
        }
    }

    /// A try counts while the sale is closed too: nobody tries codes faster before a sale than during it.
    @Test func aTryCountsWhileTheCouponIsPaused() async throws {
        try await withShard { shard in
            try await shard.open([.test(state: .paused)])
            let user = try await shard.addUser()
            #expect(try await shard.decide(user.request(x, code: .wrong), wrongCodes: 2).code == .couponPaused)
            #expect(try await shard.record(of: user.id)?.tries?.attempts == 1)
            #expect(try await shard.decide(user.request(x), wrongCodes: 2).code == .couponPaused)
            #expect(try await shard.record(of: user.id)?.tries?.attempts == 1)
            #expect(try await shard.decide(user.request(x, code: .wrong), wrongCodes: 2).code == .couponPaused)
            #expect(try await shard.decide(user.request(x), wrongCodes: 2).code == .tooManyAttempts)
        }
    }

    @Test func theLimitHoldsWithinOneCall() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let other = try await shard.addUser()
            let requests =
                (0..<3).map { _ in user.request(x, code: .wrong) } + [other.request(x, code: .wrong), user.request(x)]
            let codes = try await shard.decide(requests, wrongCodes: 3).map(\.code)
            #expect(codes == [.wrongCode, .wrongCode, .wrongCode, .wrongCode, .tooManyAttempts])
            #expect(try await shard.record(of: other.id)?.tries?.attempts == 1)
        }
    }

    /// An accepted redemption and a wrong code of one user in one call: both are kept.
    @Test func aWrongCodeAfterAnAcceptedOne() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let user = try await shard.addUser(credit: 100)
            let codes = try await shard.decide([user.request(x), user.request(x, code: .wrong)]).map(\.code)
            #expect(codes == [.accepted, .wrongCode])
            let record = try await shard.record(of: user.id)
            #expect(record?.available == 90)
            #expect(record?.tries?.attempts == 1)
            #expect(record?.redemptions.count == 1)
        }
    }
}
