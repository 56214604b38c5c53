import Domain
import LocalStack
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@testable import HotPath

/// Durability `replicated`, on a real Redis with a real replica.
@Suite struct ReplicationTests {
    let x = CouponID("x")!
    let y = CouponID("y")!

    private struct Pair {
        let shard: TestShard
        let replica: RedisServer
        let replicaClient: RedisClient

        /// What the replica has of a user's redemption at this moment.
        func copy(of user: TestUser, _ coupon: CouponID) async throws -> String? {
            try await replicaClient.record(of: user.id, shard.keys)?.redemptions[coupon]?.description
        }
    }

    /// - Parameter timeout: long where the replica is to answer, short where it cannot.
    private func withPair(replicationTimeout timeout: Duration, _ body: (Pair) async throws -> Void) async throws {
        var limits = HotPathLimits()
        limits.replicationTimeout = timeout
        var options = RedisOptions()
        options.appendOnly = false
        try await withShard(limits: limits) { shard in
            try await withRedis(options) { replica in
                try await replica.command("CONFIG", "SET", "masterauth", shard.redis.password)
                try await replica.command("REPLICAOF", "127.0.0.1", String(shard.redis.port))
                try await until("the replica is one") {
                    try await replica.information("replication", "master_link_status") == "up"
                }
                // Connected beforehand, so that what is looked for has no time to arrive meanwhile.
                var configuration = try RedisConfiguration.forTests(replica.socketURL)
                configuration.peer = .sentinel
                let client = RedisClient(
                    configuration: configuration,
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: testLogger()
                )
                try await client.connect()
                // Its first replica gives a primary another id, under which the script is to be loaded; connections ask for it from
                // time to time.
                try await untilKnownByItsName(shard)
                try await shard.open([.test(total: 50), .test("y", total: 50)])
                try await untilReplicated(shard)
                // A replica that is stopped when its test fails could not be ended politely.
                defer { replica.resume() }
                try await body(Pair(shard: shard, replica: replica, replicaClient: client))
                replica.resume()
                await client.close()
            }
        }
    }

    private func untilReplicated(_ shard: TestShard) async throws {
        try await until("the replica has all") { try await shard("WAIT", "1", "1000") == .integer(1) }
    }

    /// Waits until every connection has seen which Redis the primary says that it is.
    private func untilKnownByItsName(_ shard: TestShard) async throws {
        let name = try #require(try await shard.redis.information("replication", "master_replid"))
        for loop in shard.client.eventLoops {
            try await until("a connection takes the primary for what it is") {
                let id = try await loop.submit { shard.client.connection(on: loop).replicationID }.get()
                return id?.description.hasPrefix(name) == true
            }
        }
    }

    private func isUnknown(_ result: Result<RedeemReply, RedisError>) -> Bool {
        if case .failure(let error) = result { error.outcomeIsUnknown } else { false }
    }

    @Test func whatWasAnsweredIsInTheReplica() async throws {
        try await withPair(replicationTimeout: .seconds(3)) { pair in
            for _ in 0..<20 {
                let user = try await pair.shard.addUser()
                let reply = try await pair.shard.hotPath.redeem(user.request(x, durability: .replicated))
                guard case .accepted(let redemption) = reply else { throw TestFailure("\(reply)") }
                #expect(try await pair.copy(of: user, x) == redemption.id.description)
            }
        }
    }

    @Test func withoutTheReplicaTheOutcomeIsUnknownAndARetryTellsIt() async throws {
        try await withPair(replicationTimeout: .milliseconds(150)) { pair in
            let hotPath = pair.shard.hotPath
            let loops = hotPath.client.eventLoops
            let (user, other) = (try await pair.shard.addUser(), try await pair.shard.addUser())
            try await untilReplicated(pair.shard)
            pair.replica.suspend()
            let request = user.request(x, durability: .replicated)
            let relaxed = other.request(x)
            let wrong = other.request(y, code: .wrong, durability: .replicated)
            let results = await hotPath.redeemInOneTick([request, relaxed, wrong], on: loops[0])
            #expect(isUnknown(results[0]))
            // What promises less is answered, and so is what promises nothing.
            #expect(try results[1].get().code == .accepted)
            #expect(try results[2].get() == .wrongCode)
            // A replay must not say more than the first answer did, on whichever connection it comes.
            for loop in loops {
                #expect(isUnknown((await hotPath.redeemInOneTick([request], on: loop))[0]))
            }
            pair.replica.resume()
            let limit = ContinuousClock.now + .seconds(30)
            var result = results[0]
            while isUnknown(result), ContinuousClock.now < limit {
                result = await hotPath.redeemInOneTick([request], on: loops[0])[0]
            }
            let answer = try result.get()
            guard case .replayed(let redemption) = answer else { throw TestFailure("\(answer)") }
            #expect(try await pair.copy(of: user, x) == redemption.id.description)
            #expect(try await pair.shard.store.credit(of: user.id) == Credit(available: 90, held: 10))
        }
    }

    @Test func aTickWaitsOnceForAllItsCalls() async throws {
        try await withPair(replicationTimeout: .seconds(3)) { pair in
            let shard = pair.shard
            var requests: [RedeemRequest] = []
            for _ in 0..<10 {
                let user = try await shard.addUser()
                requests += [x, y].map { user.request($0, durability: .replicated) }
            }
            try await shard("CONFIG", "RESETSTAT")
            let results = await shard.hotPath.redeemInOneTick(requests, on: shard.client.eventLoops[0])
            #expect(try results.map { try $0.get().code } == Array(repeating: .accepted, count: 20))
            let stats = try await shard("INFO", "commandstats").info
            func calls(_ command: String) -> Int {
                let calls = stats["cmdstat_\(command)"]?.split(separator: ",").first?.split(separator: "=").last
                return calls.flatMap { Int($0) } ?? 0
            }
            // Of each coupon 1 and 8 at once, and the last when they are answered.
            #expect(calls("evalsha") == 6)
            #expect((2...4).contains(calls("wait")))
        }
    }

    /// The connection has room for a redemption, and none for the WAIT behind it.
    @Test func aWaitThatCannotBeSentLeavesNobodyWithoutAnAnswer() async throws {
        try await withShard { shard in
            try await shard.open([.test(total: 50)])
            var configuration = try RedisConfiguration.forTests(shard.redis.url)
            configuration.pendingLimit = 1
            configuration.roleCheckInterval = nil
            let client = RedisClient(
                configuration: configuration,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger()
            )
            try await client.connect()
            let hotPath = HotPath(client: client)
            let user = try await shard.addUser()
            let request = user.request(x, durability: .replicated)
            #expect(isUnknown(await hotPath.redeemInOneTick([request], on: client.eventLoops[0])[0]))
            // The coupon's line goes on.
            #expect(try await hotPath.redeem(user.request(x)).code == .alreadyRedeemed)
            await client.close()
        }
    }

    @Test func aLostReplicaIsNotWaitedForTwice() async throws {
        try await withPair(replicationTimeout: .milliseconds(150)) { pair in
            let user = try await pair.shard.addUser()
            await pair.replica.kill()
            let request = user.request(x, durability: .replicated)
            let result = await pair.shard.hotPath.redeemInOneTick([request], on: pair.shard.client.eventLoops[0])
            #expect(isUnknown(result[0]))
            // The connection is free again.
            #expect(try await pair.shard.hotPath.redeem(user.request(x)).code == .alreadyRedeemed)
        }
    }
}
