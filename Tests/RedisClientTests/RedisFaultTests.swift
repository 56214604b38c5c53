import RedisClient
import LocalStack
import NIOCore
import TestSupport
import Testing

/// A server that is slow, stopped or killed.
@Suite struct RedisFaultTests {
    /// Late by less than a second deadline: the connection stays, and each reply still finds its own command.
    @Test func aLateReplyAnswersNobodyElse() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.commandDeadline = .seconds(2) }) { client in
                try await client.connect()
                let id = try await client.connectionID()
                redis.suspend()
                let error = await client.failure(["ECHO", "late"])
                #expect(error?.code == .deadlineExceeded && error?.outcomeIsUnknown == true)
                async let inTime = client.send(["ECHO", "in time"], deadline: .seconds(20))
                redis.resume()
                #expect(try await inTime == .string("in time"))
                #expect(try await client.send(["ECHO", "next"]) == .string("next"))
                #expect(try await client.connectionID() == id)
            }
        }
    }

    /// Thousands of commands with deadlines around the time that the server needs, while it is held up again and again:
    /// a reply is the right one or none.
    @Test func noReplyIsEverAnothersUnderLoad() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.commandDeadline = .seconds(30) }) { other in
                try await other.connect()
                try await withClient(redis.url, loops: 2, { $0.commandDeadline = .seconds(30) }) { client in
                    try await client.connect()
                    let (answered, late) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                        group.addTask {
                            for _ in 0..<40 {
                                _ = try await other.send(["DEBUG", "SLEEP", "0.01"])
                                try await Task.sleep(for: .milliseconds(5))
                            }
                            return (0, 0)
                        }
                        for task in 0..<16 {
                            group.addTask {
                                var counts = (0, 0)
                                for number in 0..<200 {
                                    let text = "\(task)-\(number)"
                                    do throws(RedisError) {
                                        let deadline = Duration.microseconds(200 + number * 67 % 8000)
                                        let reply = try await client.send(["ECHO", text], deadline: deadline)
                                        #expect(reply == .string(text))
                                        counts.0 += 1
                                    } catch {
                                        #expect(error.code == .deadlineExceeded)
                                        counts.1 += 1
                                    }
                                }
                                return counts
                            }
                        }
                        return try await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
                    }
                    #expect(answered + late == 3200 && answered > 0 && late > 0)
                }
            }
        }
    }

    /// Late by more than a second deadline: the connection is given up, and commands fail at once.
    @Test func aSilentServerIsLeftAlone() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.commandDeadline = .milliseconds(500) }) { client in
                try await client.connect()
                let id = try #require(try await client.send(["CLIENT", "ID"], deadline: .seconds(10)).integer)
                redis.suspend()
                let loop = client.eventLoops[0]
                let errors = try await loop.flatSubmit {
                    // In one tick: both are sent before the connection is given up, however long the machine stands still.
                    let futures = [nil, NIODeadline.now() + .seconds(30)].map { deadline in
                        let promise = loop.makePromise(of: RedisError?.self)
                        client.connection(on: loop).send(["INCR", "n"], deadline: deadline) { result in
                            if case .failure(let error) = result { promise.succeed(error) } else { promise.succeed(nil) }
                        }
                        return promise.futureResult
                    }
                    return EventLoopFuture.whenAllSucceed(futures, on: loop)
                }.get()
                #expect(errors.map { $0?.code } == [.deadlineExceeded, .connectionLost])
                #expect(errors[1]?.outcomeIsUnknown == true)
                let refused = await client.failure(["INCR", "n"])
                #expect(refused?.code == .notConnected && refused?.outcomeIsUnknown == false)

                redis.resume()
                try await client.connectEventually()
                let next = try await client.send(["CLIENT", "ID"], deadline: .seconds(10)).integer
                #expect(try #require(next) > id)
                // Unknown is not failed: both took effect, the refused one did not.
                #expect(try await client.send(["GET", "n"], deadline: .seconds(10)) == .string("2"))
            }
        }
    }

    @Test func aKilledServerIsFoundAgain() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, loops: 2) { client in
                try await client.connect()
                async let pending = client.failure(["BLPOP", "list", "0"], deadline: .seconds(30))
                try await until("a client waits") { try await blockedClients(redis) == 1 }
                await redis.kill()
                let error = await pending
                #expect(error?.code == .connectionLost && error?.outcomeIsUnknown == true)
                try await until("the connection is lost") { !client.isConnected }
                for _ in 0..<4 {
                    let refused = await client.failure(["PING"])
                    #expect(refused == nil || refused?.outcomeIsUnknown == (refused?.code == .connectionLost))
                }
                try await redis.restart()
                try await client.connectEventually()
                #expect(client.isConnected)
                #expect(try await client.pipeline([["PING"], ["PING"]]) == [.string("PONG"), .string("PONG")])
            }
        }
    }

    @Test func aConnectionThatRedisClosesComesBack() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url) { client in
                try await client.connect()
                let id = try #require(try await client.connectionID())
                let error = await client.pipelineFailure([["CLIENT", "KILL", "ID", "\(id)", "SKIPME", "no"], ["PING"]])
                #expect(error?.code == .connectionLost)
                try await client.connectEventually()
                #expect(try #require(try await client.connectionID()) > id)
            }
        }
    }

    @Test func refusesMoreThanThePendingLimit() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.pendingLimit = 3 }) { client in
                try await client.connect()
                redis.suspend()
                async let first = client.pipeline([["INCR", "n"], ["INCR", "n"], ["INCR", "n"]])
                try await until("too many commands wait") {
                    await client.failure(["PING"], deadline: .milliseconds(1))?.code
                        == .pendingLimitReached
                }
                redis.resume()
                let replies = try? await first
                #expect(replies == nil || replies == [.integer(1), .integer(2), .integer(3)])
                try await until("connected again") { await client.failure(["PING"]) == nil }
            }
        }
    }

    /// Redis accepts a login while it loads its data, and then refuses commands.
    @Test func waitsUntilTheServerHasLoadedItsData() async throws {
        var options = RedisOptions.forClient(["key-load-delay 200", "loading-process-events-interval-bytes 1024"])
        options.appendOnly = true
        try await withRedis(options) { redis in
            try await withClient(redis.url) { client in
                try await client.connect()
                for start in stride(from: 0, to: 5000, by: 1000) {
                    _ = try await client.pipeline(
                        (start..<start + 1000).map { ["SET", "key-\($0)", "x"] },
                        deadline: .seconds(20)
                    )
                }
                await redis.kill()
                try await until("the connection is lost") { !client.isConnected }
                async let restarted: Void = redis.restart()
                try await client.connectEventually()
                #expect(try await client.send(["DBSIZE"]) == .integer(5000))
                try await restarted
            }
        }
    }
}
