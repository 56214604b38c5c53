import Domain
import HotPath
import LocalStack
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// The redeemer on a real Redis.
@Suite struct RedeemerTests {
    let x = CouponID("x")!

    private func outbox(_ shard: TestShard) async throws -> [OutboxEntry] {
        try await shard.store.readOutbox(after: .zero, count: 1000).compactMap { read in
            if case .entry(let entry) = read { entry } else { nil }
        }
    }

    @Test func theGreaterTheLoadTheLargerTheBatches() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 500)])
            var users: [TestUser] = []
            for _ in 0..<200 { users.append(try await shard.addUser()) }
            let results = await shard.hotPath.redeemInOneTick(users.map { $0.request(x) })
            let entries = try await outbox(shard)
            let sizes = entries.map(\.redemptions.count)
            #expect(sizes.reduce(0, +) == 200)
            #expect(sizes.first == 1)
            // What came last filled no call, so it left when no other was in flight.
            #expect(sizes.dropLast() == sizes.dropLast().sorted()[...])
            #expect(sizes.count <= 16)
            // Each user was told of its own redemption.
            let redemptions = entries.flatMap(\.redemptions)
            #expect(try results.map { try $0.get() } == redemptions.map { .accepted($0) })
            #expect(redemptions.map(\.user) == users.map(\.id))
        }
    }

    @Test func aLoneRequestIsACallOfItsOwn() async throws {
        try await withShard { shard in
            try await shard.open([.test(price: 10)])
            let user = try await shard.addUser()
            let request = user.request(x)
            let reply = try await shard.hotPath.redeem(request)
            guard case .accepted(let redemption) = reply else { throw TestFailure("\(reply)") }
            #expect(redemption.user == user.id && redemption.coupon == x && redemption.price == 10)
            #expect(try await shard.hotPath.redeem(request) == .replayed(redemption))
            #expect(try await shard.hotPath.redeem(user.request(x)) == .alreadyRedeemed(redemption.id))
            #expect(try await shard.store.redemptions(of: user.id) == [x: redemption.id])
        }
    }

    @Test func everyAnswerArrivesAsItself() async throws {
        try await withShard { shard in
            let future = Timestamp(milliseconds: Timestamp.now().milliseconds + 60_000)
            try await shard.open([
                .test(price: 101), .test("gone", total: 0), .test("paused", state: .paused), .test("early", startsAt: future),
                .test("late", endsAt: Timestamp(milliseconds: 1)),
            ])
            let user = try await shard.addUser(credit: 100)
            let hotPath = shard.hotPath
            #expect(try await hotPath.redeem(user.request(x)) == .insufficientCredit)
            #expect(try await hotPath.redeem(user.request(CouponID("gone")!)) == .soldOut)
            #expect(try await hotPath.redeem(user.request(CouponID("paused")!)) == .couponPaused)
            #expect(try await hotPath.redeem(user.request(CouponID("early")!)) == .couponNotStarted(startsAt: future))
            #expect(try await hotPath.redeem(user.request(CouponID("late")!)) == .couponEnded)
            #expect(try await hotPath.redeem(user.request(CouponID("unknown")!)) == .couponNotLoaded)
            #expect(try await hotPath.redeem(TestUser().request(x)) == .userNotLoaded)
            let stranger = RedeemRequest(
                user: user.id,
                session: TestUser().session,
                coupon: x,
                codeDigest: .right,
                tail: .random()
            )
            #expect(try await hotPath.redeem(stranger) == .sessionRevoked)
            for _ in 0..<Limits.wrongCodes { #expect(try await hotPath.redeem(user.request(x, code: .wrong)) == .wrongCode) }
            let locked = try await hotPath.redeem(user.request(x))
            guard case .tooManyAttempts(let seconds) = locked else { throw TestFailure("\(locked)") }
            #expect((1...Limits.wrongCodeWindowSeconds).contains(seconds))
        }
    }

    @Test func oneStockForManyUsersOnAllLoops() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 100)])
            var users: [TestUser] = []
            for _ in 0..<400 { users.append(try await shard.addUser()) }
            let hotPath = shard.hotPath
            let codes = try await withThrowingTaskGroup(of: RedeemCode.self) { group in
                for user in users {
                    let request = user.request(x)
                    group.addTask { try await hotPath.redeem(request).code }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == [.accepted: 100, .soldOut: 300])
            #expect(try await outbox(shard).flatMap(\.redemptions).count == 100)
        }
    }

    /// From memory, and only where it cannot be the answer to a request that was accepted before.
    @Test func aCouponThatIsSoldOutIsNotAskedForAgain() async throws {
        var limits = HotPathLimits()
        // However long the machine stands still, it is not over.
        limits.soldOutAge = .seconds(3600)
        try await withOneLeft(limits) { shard, users, code in
            let tail = UUIDv7.Tail.random()
            #expect(try await code(users[0].request(x, tail: tail)) == .accepted)
            #expect(try await code(users[1].request(x)) == .soldOut)
            // A restock that nobody has told this event loop of.
            _ = try await shard("HSET", shard.keys.coupon(x), "left", "2")
            #expect(try await code(users[1].request(x, mayBeRepeat: false)) == .soldOut)
            #expect(try await code(users[2].request(x, code: .wrong, mayBeRepeat: false)) == .soldOut)
            // Redis alone knows what became of these, and the first of them shows that there is stock again.
            #expect(try await code(users[0].request(x, tail: tail)) == .replayed)
            #expect(try await code(users[3].request(x)) == .accepted)
            #expect(try await code(users[4].request(x, mayBeRepeat: false)) == .accepted)
        }
    }

    @Test func aCouponThatWasSoldOutIsAskedForAgainLater() async throws {
        var limits = HotPathLimits()
        limits.soldOutAge = .milliseconds(50)
        try await withOneLeft(limits) { shard, users, code in
            #expect(try await code(users[0].request(x)) == .accepted)
            #expect(try await code(users[1].request(x)) == .soldOut)
            _ = try await shard("HSET", shard.keys.coupon(x), "left", "1")
            try await until("Redis is asked again") { try await code(users[1].request(x, mayBeRepeat: false)) == .accepted }
        }
    }

    /// Runs the body with a coupon of which one is left, and what decides requests on one event loop, which remembers.
    private func withOneLeft(
        _ limits: HotPathLimits,
        _ body: (TestShard, [TestUser], (RedeemRequest) async throws -> RedeemCode) async throws -> Void
    ) async throws {
        try await withShard(limits: limits) { shard in
            try await shard.open([.test(total: 1)])
            var users: [TestUser] = []
            for _ in 0..<5 { users.append(try await shard.addUser()) }
            let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
            try await body(shard, users) { request in
                try #require(await shard.hotPath.redeemInOneTick([request], on: eventLoop).first).get().code
            }
        }
    }

    @Test func aClosedShardFailsEachRequestAtOnce() async throws {
        try await withShard { shard in
            let user = TestUser()
            let results = await shard.hotPath.redeemInOneTick((0..<100).map { _ in user.request(x) })
            for result in results {
                #expect(throws: RedisError.self) { try result.get() }
                if case .failure(let error) = result { #expect(error.isShardClosed && !error.outcomeIsUnknown) }
            }
            // Calls of 1, 8, 9, 18 and 36, which leave in the same tick, found it out for the 28 who waited.
            let calls = try await shard("INFO", "commandstats").string ?? ""
            #expect(calls.contains("cmdstat_evalsha:calls=5,"))
        }
    }

    @Test func waitingIsBounded() async throws {
        var limits = HotPathLimits()
        limits.waitingPerEventLoop = 10
        limits.callsPerCoupon = 1
        try await withShard(limits: limits) { shard in
            try await shard.open([.test()])
            var users: [TestUser] = []
            for _ in 0..<20 { users.append(try await shard.addUser()) }
            let results = await shard.hotPath.redeemInOneTick(users.map { $0.request(x) })
            let refused = results.filter { result in
                guard case .failure(let error) = result else { return false }
                return error.code == .pendingLimitReached && !error.outcomeIsUnknown
            }
            #expect(refused.count == 9)
            #expect(try await outbox(shard).map(\.redemptions.count) == [1, 10])
        }
    }

    /// What was sent is unknown, what was not sent has surely not happened, and a repeated request tells the truth.
    @Test func aRedisThatStopsAnswering() async throws {
        try await withShard(commandDeadline: .seconds(2)) { shard in
            try await shard.open([.test()])
            var requests: [RedeemRequest] = []
            for _ in 0..<4 { requests.append(try await shard.addUser().request(x)) }
            shard.redis.suspend()
            let results = await shard.hotPath.redeemInOneTick(requests)
            shard.redis.resume()
            let errors = results.map { result in if case .failure(let error) = result { error } else { nil as RedisError? } }
            #expect(errors.map { $0?.code } == Array(repeating: .deadlineExceeded, count: 4))
            #expect(errors.map { $0?.outcomeIsUnknown } == [true, false, false, false])

            try await until("connected again") {
                try await shard.client.connect()
                return shard.client.isConnected
            }
            let again = await shard.hotPath.redeemInOneTick(requests)
            let redemptions = try await outbox(shard).flatMap(\.redemptions)
            #expect(Set(redemptions.map(\.user)) == Set(requests.map(\.user)))
            #expect(redemptions.count == 4)
            for (request, result) in zip(requests, again) {
                let reply = try result.get()
                switch reply {
                case .accepted(let redemption), .replayed(let redemption):
                    #expect(redemption.user == request.user && redemptions.contains(redemption))
                case .alreadyRedeemed, .soldOut, .insufficientCredit, .wrongCode, .tooManyAttempts, .couponNotStarted,
                    .couponPaused,
                    .couponEnded, .couponNotLoaded, .userNotLoaded, .sessionRevoked, .backlogFull:
                    Issue.record("\(reply)")
                }
            }
        }
    }

    @Test func theLimitsOfTheConfigurationHold() async throws {
        var limits = HotPathLimits()
        limits.redemptionsPerCall = 2
        limits.wrongCodes = 1
        limits.wrongCodeWindow = .seconds(60)
        try await withShard(limits: limits) { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            #expect(try await shard.hotPath.redeem(user.request(x, code: .wrong)) == .wrongCode)
            let locked = try await shard.hotPath.redeem(user.request(x))
            guard case .tooManyAttempts(let seconds) = locked else { throw TestFailure("\(locked)") }
            #expect((40...60).contains(seconds))
            var users: [TestUser] = []
            for _ in 0..<4 { users.append(try await shard.addUser()) }
            _ = await shard.hotPath.redeemInOneTick(users.map { $0.request(x) })
            #expect(try await outbox(shard).map(\.redemptions.count) == [1, 2, 1])
        }
    }
}
