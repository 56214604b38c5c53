import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

@Suite struct ThrottleScriptTests {
    private struct Rate {
        let key: String
        var interval = 60_000
        var burst = 3
    }

    private struct Answer: Equatable {
        let code: String
        /// For each rate: remaining, reset, retry.
        let numbers: [Int]
    }

    private func call(_ shard: TestShard, _ what: String, _ rates: Rate...) async throws -> Answer {
        let reply = try await shard.call(
            .throttle,
            keys: rates.map { "{s0}:\($0.key)" },
            [what] + rates.flatMap { ["\($0.interval)", "\($0.burst)"] }
        )
        let values = reply.array ?? []
        return Answer(code: values.first?.string ?? "", numbers: values.dropFirst().compactMap(\.integer))
    }

    @Test func aBurstAndThenOneAnInterval() async throws {
        try await withShard { shard in
            try await shard.open()
            let rate = Rate(key: "a")
            for remaining in [2, 1, 0] {
                let answer = try await call(shard, "charge", rate)
                #expect(answer.code == "allowed")
                #expect(answer.numbers[0] == remaining)
                #expect((0...5000).contains((3 - remaining) * 60_000 - answer.numbers[1]))
            }
            #expect(try await shard("PTTL", "{s0}:a").integer.map { (170_000...180_000).contains($0) } == true)
            let limited = try await call(shard, "charge", rate)
            #expect(limited.code == "limited")
            #expect(limited.numbers[0] == 0)
            #expect((50_000...60_000).contains(limited.numbers[2]))

            // A minute later.
            let unused = try #require(try await shard("GET", "{s0}:a").string.flatMap { Int($0) })
            try await shard("SET", "{s0}:a", "\(unused - 60_000)")
            #expect(try await call(shard, "charge", rate).code == "allowed")
            #expect(try await call(shard, "charge", rate).code == "limited")
        }
    }

    /// The one rate is not charged for what the other one refuses.
    @Test func allOrNone() async throws {
        try await withShard { shard in
            try await shard.open()
            let one = Rate(key: "one", burst: 1)
            let many = Rate(key: "many", burst: 10)
            #expect(try await call(shard, "charge", one, many).code == "allowed")
            let limited = try await call(shard, "charge", one, many)
            #expect(limited.code == "limited")
            #expect(limited.numbers[3] == 9)
            #expect(limited.numbers[5] == 0)
            #expect(try await call(shard, "charge", many).numbers[0] == 8)
        }
    }

    @Test func whatIsGivenBackDoesNotCount() async throws {
        try await withShard { shard in
            try await shard.open()
            let rate = Rate(key: "a", burst: 2)
            for _ in 0..<5 {
                #expect(try await call(shard, "charge", rate).numbers[0] == 1)
                #expect(try await call(shard, "refund", rate).code == "refunded")
            }
            // An unused rate takes no memory, and more than was charged cannot be given back.
            #expect(try await shard("EXISTS", "{s0}:a") == .integer(0))
            #expect(try await call(shard, "refund", rate).code == "refunded")
            #expect(try await call(shard, "charge", rate).numbers[0] == 1)
        }
    }

    /// A clock that went back, or a burst that was lowered, keeps nobody out for longer than a rate that is used up.
    @Test func aMomentThatIsTooFarOffIsBroughtBack() async throws {
        try await withShard { shard in
            try await shard.open()
            try await shard("SET", "{s0}:a", "\(now() + 3_600_000)")
            let limited = try await call(shard, "charge", Rate(key: "a"))
            #expect(limited.code == "limited")
            #expect((170_000...180_000).contains(limited.numbers[1]))
            #expect((50_000...60_000).contains(limited.numbers[2]))
        }
    }

    /// Any number at once: exactly the burst gets through.
    @Test func aCrowdGetsTheBurst() async throws {
        try await withShard { shard in
            try await shard.open()
            let throttle = LoginThrottle(
                client: shard.client,
                shards: shard.hotPath.shards,
                perUsername: LoginRate(burst: 10, interval: .seconds(60)),
                perAddress: LoginRate(burst: 1000, interval: .seconds(60))
            )
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { try await throttle.charge(username: "d", address: "192.0.2.1").isAllowed } }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(allowed == 10)
            let charge = try await throttle.charge(username: "d", address: "192.0.2.1")
            #expect(charge.isAllowed == false)
            #expect(charge.username.remaining == 0)
            #expect(charge.username.retry > .seconds(50))
            #expect(charge.address.remaining == 990)
            #expect(charge.address.window == .seconds(60_000))
        }
    }
}
