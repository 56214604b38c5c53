import Domain
import LocalStack
import NIOCore
import NIOPosix
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

        /// Past the client, which talks to primaries only.
        static func ask(_ client: RedisClient, _ command: String...) async throws -> RESPValue {
            let loop = client.eventLoops[0]
            return try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    client.connection(on: loop).send(command) { continuation.resume(with: $0.mapError { $0 as any Error }) }
                }
            }
        }

        /// What the replica has of a user's redemption at this moment.
        func copy(of user: TestUser, _ coupon: CouponID) async throws -> String? {
            try await Pair.ask(replicaClient, "HGET", shard.keys.user(user.id), "r:\(coupon)").string
        }
    }

    private func withPair(_ body: (Pair) async throws -> Void) async throws {
        var limits = HotPathLimits()
        limits.replicationTimeout = .milliseconds(150)
        var options = RedisOptions()
        options.appendOnly = false
        try await withShard(limits: limits) { shard in
            try await withRedis(options) { replica in
                var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: replica.socketURL))
                // Else it would not talk to a replica.
                configuration.peer = .sentinel
                let client = RedisClient(
                    configuration: configuration,
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: testLogger()
                )
                try await client.connect()
                _ = try await Pair.ask(client, "CONFIG", "SET", "masterauth", shard.redis.password)
                _ = try await Pair.ask(client, "REPLICAOF", "127.0.0.1", String(shard.redis.port))
                // It closes the connections that it had as a primary.
                while (try? await Pair.ask(client, "INFO", "replication").string?.contains("master_link_status:up")) != true {
                    try await Task.sleep(for: .milliseconds(10))
                }
                // Its first replica gives a primary another id, under which the script is to be loaded; connections ask for it from
                // time to time.
                try await Task.sleep(for: .milliseconds(800))
                try await shard.open([.test(total: 50), .test("y", total: 50)])
                while try await shard("WAIT", "1", "1000") != .integer(1) { try await Task.sleep(for: .milliseconds(10)) }
                // A replica that is stopped when its test fails could not be ended politely.
                defer { replica.resume() }
                try await body(Pair(shard: shard, replica: replica, replicaClient: client))
                replica.resume()
                await client.close()
            }
        }
    }

    /// Sends all requests in one tick of one event loop.
    private func redeem(_ hotPath: HotPath, _ requests: [RedeemRequest], on eventLoop: any EventLoop) async
        -> [Result<RedeemReply, RedisError>]
    {
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                var results: [Result<RedeemReply, RedisError>?] = Array(repeating: nil, count: requests.count)
                for (index, request) in requests.enumerated() {
                    hotPath.redeemer(on: eventLoop).redeem(request) { result in
                        precondition(results[index] == nil, "answered twice")
                        results[index] = result
                        let all = results.compactMap(\.self)
                        if all.count == results.count { continuation.resume(returning: all) }
                    }
                }
            }
        }
    }

    private func isUnknown(_ result: Result<RedeemReply, RedisError>) -> Bool {
        if case .failure(let error) = result { error.outcomeIsUnknown } else { false }
    }

    @Test func whatWasAnsweredIsInTheReplica() async throws {
        try await withPair { pair in
            for _ in 0..<20 {
                let user = try await pair.shard.addUser()
                let reply = try await pair.shard.hotPath.redeem(user.request(x, durability: .replicated))
                guard case .accepted(let redemption) = reply else { throw TestFailure("\(reply)") }
                #expect(try await pair.copy(of: user, x) == redemption.id.description)
            }
        }
    }

    @Test func withoutTheReplicaTheOutcomeIsUnknownAndARetryTellsIt() async throws {
        try await withPair { pair in
            let hotPath = pair.shard.hotPath
            let loops = hotPath.client.eventLoops
            let (user, other) = (try await pair.shard.addUser(), try await pair.shard.addUser())
            while try await pair.shard("WAIT", "1", "1000") != .integer(1) {}
            pair.replica.suspend()
            let request = user.request(x, durability: .replicated)
            let relaxed = other.request(x)
            let wrong = other.request(y, code: .wrong, durability: .replicated)
            let results = await redeem(hotPath, [request, relaxed, wrong], on: loops[0])
            #expect(isUnknown(results[0]))
            // What promises less is answered, and so is what promises nothing.
            #expect(try results[1].get().code == .accepted)
            #expect(try results[2].get() == .wrongCode)
            // A replay must not say more than the first answer did, on whichever connection it comes.
            for loop in loops {
                #expect(isUnknown((await redeem(hotPath, [request], on: loop))[0]))
            }
            pair.replica.resume()
            let answer = try await hotPath.redeem(request)
            guard case .replayed(let redemption) = answer else { throw TestFailure("\(answer)") }
            #expect(try await pair.copy(of: user, x) == redemption.id.description)
            #expect(try await pair.shard.store.credit(of: user.id) == Credit(available: 90, held: 10))
        }
    }

    @Test func aTickWaitsOnceForAllItsCalls() async throws {
        try await withPair { pair in
            let shard = pair.shard
            var requests: [RedeemRequest] = []
            for _ in 0..<10 {
                let user = try await shard.addUser()
                requests += [x, y].map { user.request($0, durability: .replicated) }
            }
            try await shard("CONFIG", "RESETSTAT")
            let results = await redeem(shard.hotPath, requests, on: shard.client.eventLoops[0])
            #expect(try results.map { try $0.get().code } == Array(repeating: .accepted, count: 20))
            let stats = try await shard("INFO", "commandstats").string ?? ""
            func calls(_ command: String) -> Int {
                let line = stats.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_\(command):calls=") }
                return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) } ?? 0
            }
            // Of each coupon the first request, then the nine that waited meanwhile.
            #expect(calls("evalsha") == 4)
            #expect((2...4).contains(calls("wait")))
        }
    }

    @Test func aLostReplicaIsNotWaitedForTwice() async throws {
        try await withPair { pair in
            let user = try await pair.shard.addUser()
            await pair.replica.kill()
            let request = user.request(x, durability: .replicated)
            let result = await redeem(pair.shard.hotPath, [request], on: pair.shard.client.eventLoops[0])
            #expect(isUnknown(result[0]))
            // The connection is free again.
            #expect(try await pair.shard.hotPath.redeem(user.request(x)).code == .alreadyRedeemed)
        }
    }
}
