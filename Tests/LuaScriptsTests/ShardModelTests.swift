import Domain
import HotPath
import LuaScripts
import TestSupport
import Testing

/// Thousands of random calls, each compared with the model, and the invariants read from Redis itself.
@Suite struct ShardModelTests {
    private static let rounds = SeedShare.of(12)
    /// In each round, at least.
    private static let acceptedPerRound = 80
    private static let callsPerRound = 300
    private static let wrongCodes = 4

    private static let knownSeeds: [UInt64] = [1, 20_261_123]

    @Test(arguments: knownSeeds.prefix(SeedShare.of(knownSeeds.count)) + [UInt64.random(in: .min ... .max)])
    func redisDoesWhatTheModelDoes(seed: UInt64) async throws {
        try await withShard { shard in
            var random = SeededGenerator(seed: seed)
            var seen: [RedeemCode: Int] = [:]
            for round in 1...Self.rounds {
                var epoch = Round(shard: shard, epoch: Epoch(round), random: random)
                try await epoch.run(calls: Self.callsPerRound, &seen)
                for _ in 0..<1000 { _ = random.next() }
            }
            // A test that never met a case says nothing of it.
            let expected = Set(RedeemCode.allCases).subtracting([.couponNotStarted, .couponEnded, .backlogFull])
            if Self.knownSeeds.contains(seed), SeedShare.isWhole { #expect(Set(seen.keys) == expected) }
            #expect(seen[.accepted, default: 0] > Self.rounds * Self.acceptedPerRound)
        }
    }

    /// One epoch of the shard, from its opening on.
    private struct Round {
        let shard: TestShard
        let epoch: Epoch
        var random: SeededGenerator
        var model = ShardModel(wrongCodes: ShardModelTests.wrongCodes)
        var users: [TestUser] = []
        var coupons: [CouponID] = []
        var control = 0
        /// What clients sent as idempotency keys before, to be sent again.
        var tails: [UserID: [CouponID: UUIDv7.Tail]] = [:]

        init(shard: TestShard, epoch: Epoch, random: SeededGenerator) {
            self.shard = shard
            self.epoch = epoch
            self.random = random
        }

        mutating func run(calls: Int, _ seen: inout [RedeemCode: Int]) async throws {
            try await populate()
            for call in 1...calls {
                try await redeem(&seen)
                if random.chance(15) { try await operate() }
                if random.chance(20) { try await settle() }
                if call.isMultiple(of: 50) { try await check() }
            }
            try await check()
        }

        private mutating func populate() async throws {
            var all: [Coupon] = []
            for index in 0..<8 {
                let price = Int.random(in: 0...30, using: &random)
                let total = Int.random(in: 0...40, using: &random)
                all.append(.test("c\(index)", price: price, total: total))
                coupons.append(all[index].id)
                model.coupons[all[index].id] = .init(price: price, total: total, left: total)
            }
            try await shard.open(all, epoch: epoch)
            for index in 0..<60 {
                let credit = Int.random(in: 0...120, using: &random)
                if index % 20 == 0 {
                    users.append(TestUser())
                    model.users[users[index].id] = .init(granted: 0, credit: 0, isLoaded: false)
                } else {
                    users.append(try await shard.addUser(credit: credit, epoch: epoch))
                    model.users[users[index].id] = .init(granted: credit, credit: credit)
                }
            }
            coupons.append(CouponID("unknown")!)
        }

        private mutating func redeem(_ seen: inout [RedeemCode: Int]) async throws {
            // A fifth of the calls has one request; few users in a call, so that they meet themselves.
            let count = random.chance(20) ? 1 : Int.random(in: 2...16, using: &random)
            let coupon = coupons[Int.random(in: 0..<(random.chance(3) ? 9 : 8), using: &random)]
            let first = Int.random(in: 0..<50, using: &random)
            var requests: [RedeemRequest] = []
            for _ in 0..<count {
                let user = users[first + Int.random(in: 0..<10, using: &random)]
                var tail = UUIDv7.Tail(high: UInt16.random(in: .min ... .max, using: &random), low: random.next())
                if random.chance(50) {
                    tail = tails[user.id, default: [:]][coupon] ?? tail
                    tails[user.id, default: [:]][coupon] = tail
                }
                requests.append(user.request(coupon, code: random.chance(4) ? .wrong : .right, tail: tail))
            }
            let expected = model.decide(requests)
            let decisions = try await shard.decide(requests, wrongCodes: ShardModelTests.wrongCodes)
            #expect(decisions.map(\.code) == expected, "epoch \(epoch)")
            for (request, decision) in zip(requests, decisions) {
                seen[decision.code, default: 0] += 1
                switch decision.code {
                case .accepted, .replayed:
                    #expect(RedemptionID(decision.value)?.uuid.tail == request.tail)
                case .alreadyRedeemed:
                    let stored = model.users[request.user]?.redemptions[request.coupon]
                    #expect(RedemptionID(decision.value)?.uuid.tail == stored)
                case .tooManyAttempts: #expect((Int(decision.value) ?? 0) > 0)
                case .soldOut, .insufficientCredit, .wrongCode, .couponNotStarted, .couponPaused, .couponEnded, .couponNotLoaded,
                    .userNotLoaded, .sessionRevoked, .backlogFull:
                    #expect(decision.value == "")
                }
            }
        }

        /// What operators and users do besides.
        private mutating func operate() async throws {
            let user = users[Int.random(in: 0..<users.count, using: &random)]
            let coupon = coupons[Int.random(in: 0..<8, using: &random)]
            let amount = Int.random(in: 1...20, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                try await apply(.creditGranted(user.id, amount: amount))
                if model.users[user.id]!.isLoaded { model.grant(user.id, amount) }
            case 1:
                try await apply(.couponRestocked(coupon, amount: amount))
                model.restock(coupon, amount)
            case 2:
                try await apply(.couponState(coupon, .paused))
                model.coupons[coupon]!.isPaused = true
            case 3:
                for coupon in coupons.prefix(8) where model.coupons[coupon]!.isPaused {
                    try await apply(.couponState(coupon, .active))
                    model.coupons[coupon]!.isPaused = false
                }
            case 4:
                // Its lock has ended.
                guard model.users[user.id]!.isLocked else { return }
                try await shard.edit(user.id) { $0.tries?.lockedUntil = 0 }
                model.users[user.id]!.isLocked = false
            default:
                if model.users[user.id]!.hasSession, random.chance(30) {
                    try await shard.hotPath.sessions.revoke(user: user.id, session: user.session)
                    model.users[user.id]!.hasSession = false
                }
            }
        }

        private mutating func apply(_ change: ControlChange) async throws {
            control += 1
            let entry = ControlEntry(sequence: control, change: change)
            #expect(try await shard.store.applyControl(entry, epoch: epoch) == .applied)
        }

        private mutating func settle() async throws {
            let entries = try await shard.outbox()
            #expect(entries.count == model.outbox.count)
            let count = Int.random(in: 0...entries.count, using: &random)
            guard count > 0 else { return }
            #expect(try await shard.store.settle(epoch, entries: Array(entries.prefix(count))) == .settled)
            model.settle(entries: count)
        }

        private func check() async throws {
            let stock = try await shard.store.stock(of: coupons)
            var redemptions: [CouponID: Int] = [:]
            let entries = try await shard.outbox()
            let undrained = Dictionary(grouping: entries.flatMap(\.redemptions), by: \.user)
            for (id, user) in model.users where user.isLoaded {
                let credit = try #require(try await shard.store.credit(of: id))
                #expect(credit == Credit(available: user.credit, held: user.held))
                #expect(credit.available >= 0 && credit.held >= 0)
                #expect(credit.held == undrained[id, default: []].reduce(0) { $0 + $1.price })
                #expect(credit.available + credit.held + user.spent == user.granted)
                let redeemed = try #require(try await shard.store.redemptions(of: id))
                #expect(redeemed.mapValues(\.uuid.tail) == user.redemptions)
                for coupon in redeemed.keys { redemptions[coupon, default: 0] += 1 }
            }
            for (id, coupon) in model.coupons {
                let left = try #require(stock[id])
                #expect(left == coupon.left && left >= 0)
                #expect(left + redemptions[id, default: 0] == coupon.total)
            }
        }
    }
}
