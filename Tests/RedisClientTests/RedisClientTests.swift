import LocalStack
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RedisClient

@Suite struct RedisClientTests {
    @Test func sendsAndPipelines() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, loops: 2) { client in
                try await client.connect()
                #expect(client.isConnected)
                #expect(try await client.send(["SET", "a", "1"]) == .string("OK"))
                #expect(try await client.send(["INCR", "a"]) == .integer(2))
                #expect(try await client.send(["GET", "b"]) == .null)
                let replies = try await client.pipeline([["GET", "a"], ["LPUSH", "a", "x"], ["MGET", "a", "b"]])
                #expect(replies.count == 3 && replies[0] == .string("2") && replies[2] == .array([.string("2"), .null]))
                guard case .error(let message) = replies[1] else { throw TestFailure("\(replies[1])") }
                #expect(message.hasPrefix("WRONGTYPE"))
                let error = await client.failure(["LPUSH", "a", "x"])
                #expect(error?.serverPrefix == "WRONGTYPE" && error?.outcomeIsUnknown == false)
                let missing = await client.failure(["EVALSHA", String(repeating: "0", count: 40), "0"])
                #expect(missing?.serverPrefix == "NOSCRIPT")
            }
        }
    }

    @Test func readsNestedReplies() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url) { client in
                try await client.connect()
                let script = "local t = 1; for _ = 1, tonumber(ARGV[1]) do t = {t} end; return t"
                let deepest = (0..<ReplyReader.depthLimit).reduce(RESPValue.integer(1)) { value, _ in .array([value]) }
                #expect(try await client.send(["EVAL", script, "0", "\(ReplyReader.depthLimit)"]) == deepest)
                let error = await client.failure(["EVAL", script, "0", "8"])
                #expect(error?.code == .protocolViolation && error?.outcomeIsUnknown == true)
                try await client.connect()
                #expect(try await client.send(["PING"]) == .string("PONG"))
            }
        }
    }

    @Test func usesTheDatabaseAndNameAskedFor() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient("\(redis.url)/3", { $0.clientName = "test" }) { client in
                try await client.connect()
                let info = try #require(try await client.send(["CLIENT", "INFO"]).string)
                #expect(info.contains(" db=3 ") && info.contains(" name=test ") && info.contains(" resp=2"))
            }
            try await withClient("\(redis.url)/16") { client in
                let error = await client.connectFailure()
                #expect(error?.message == "ERR DB index is out of range")
            }
        }
    }

    @Test func reachesAUnixSocket() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient("\(redis.socketURL)&db=2") { client in
                try await client.connect()
                let info = try #require(try await client.send(["CLIENT", "INFO"]).string)
                // Valkey 9 has it in brackets.
                #expect(info.contains(" addr=\(redis.socket):0 ") || info.contains(" addr=[\(redis.socket):0]:0 "))
                #expect(info.contains(" db=2 "))
            }
        }
    }

    @Test func saysAtOnceThatTheLoginIsRefused() async throws {
        try await withRedis(.forClient()) { redis in
            let start = ContinuousClock.now
            for (url, prefix) in [
                ("redis://:wrong@127.0.0.1:\(redis.port)", "WRONGPASS"), ("redis://127.0.0.1:\(redis.port)", "NOAUTH"),
            ] {
                try await withClient(url, { $0.connectTimeout = .seconds(30) }) { client in
                    let error = await client.connectFailure()
                    #expect(error?.serverPrefix == prefix)
                    #expect(!client.isConnected)
                    let sent = await client.failure(["PING"])
                    #expect(sent?.code == .notConnected && sent?.message.contains(prefix) == true)
                    #expect(sent?.message.contains("wrong") == false)
                }
            }
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test func logsInAsAnACLUser() async throws {
        let users = ["user alice on >s3cret ~a:* +@all", "user bob on >s3cret ~* +get"]
        try await withRedis(.forClient(users)) { redis in
            try await withClient("redis://alice:s3cret@127.0.0.1:\(redis.port)") { client in
                try await client.connect()
                #expect(try await client.send(["ACL", "WHOAMI"]) == .string("alice"))
                let error = await client.failure(["GET", "b"])
                #expect(error?.serverPrefix == "NOPERM")
            }
            // The login itself needs @connection and PING.
            try await withClient("redis://bob:s3cret@127.0.0.1:\(redis.port)", { $0.connectTimeout = .seconds(30) }) { client in
                #expect(await client.connectFailure()?.serverPrefix == "NOPERM")
            }
        }
    }

    @Test func comesBackWhenTheServerHasRoom() async throws {
        try await withRedis(.forClient(["maxclients 1"])) { redis in
            try await withClient(redis.url) { first in
                try await first.connect()
                try await withClient(redis.url, { $0.connectTimeout = .milliseconds(200) }) { second in
                    let error = await second.connectFailure()
                    #expect(error?.code == .notConnected)
                    await first.close()
                    try await second.connectEventually()
                    #expect(try await second.send(["PING"]) == .string("PONG"))
                }
            }
        }
    }

    @Test func movesBigValues() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.commandDeadline = .seconds(20) }) { client in
                try await client.connect()
                let big = String(repeating: "0123456789abcdef", count: 2 << 20)
                #expect(try await client.send(["SET", "big", big]) == .string("OK"))
                #expect(try await client.send(["GET", "big"]) == .string(big))
            }
            try await withClient(redis.url, { $0.replyLimitBytes = 1 << 20 }) { client in
                try await client.connect()
                let error = await client.failure(["GET", "big"])
                #expect(error?.code == .protocolViolation && error?.outcomeIsUnknown == true)
                try await client.connect()
                #expect(try await client.send(["STRLEN", "big"]) == .integer(32 << 20))
            }
        }
    }

    @Test func answersTenThousandPipelinedCommandsInOrder() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url, { $0.commandDeadline = .seconds(20) }) { client in
                try await client.connect()
                let replies = try await client.pipeline((0..<10_000).map { ["ECHO", "\($0)"] })
                #expect(replies == (0..<10_000).map { .string("\($0)") })
                let error = await client.pipelineFailure(Array(repeating: ["INCR", "n"], count: 10_001))
                #expect(error?.code == .pendingLimitReached && error?.outcomeIsUnknown == false)
                #expect(try await client.send(["EXISTS", "n"]) == .integer(0))
            }
        }
    }

    /// The way of the hot path: on the loop, without a future or a task for each command.
    @Test func answersOnTheLoop() async throws {
        try await withRedis(.forClient()) { redis in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
            let configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: redis.url))
            let client = RedisClient(configuration: configuration, eventLoopGroup: group, logger: testLogger())
            try await client.connect()
            for loop in group.makeIterator() {
                let numbers = try await loop.flatSubmit {
                    let promise = loop.makePromise(of: [Int].self)
                    let connection = client.connection(on: loop)
                    #expect(connection === client.connection(on: loop))
                    var numbers: [Int] = []
                    for number in 0..<1000 {
                        connection.send(arguments: 2) {
                            $0.append("ECHO")
                            $0.append(number)
                        } completion: { result in
                            loop.preconditionInEventLoop()
                            numbers.append((try? result.get())?.string.flatMap(Int.init) ?? -1)
                            if numbers.count == 1000 { promise.succeed(numbers) }
                        }
                    }
                    #expect(connection.pendingCount == 1000)
                    return promise.futureResult
                }.get()
                #expect(numbers == Array(0..<1000))
            }
            await client.close()
            try await group.shutdownGracefully()
        }
    }

    @Test func closesGracefully() async throws {
        try await withRedis(.forClient()) { redis in
            try await withClient(redis.url) { client in
                try await client.connect()
                async let reply = client.send(["BLPOP", "list", "3"], deadline: .seconds(20))
                try await until("a client waits") { try await blockedClients(redis) == 1 }
                await client.close()
                #expect(try await reply == .null)
                let error = await client.failure(["PING"])
                #expect(error?.code == .closed && error?.outcomeIsUnknown == false)
                #expect(await client.connectFailure()?.code == .closed)
                await client.close()
            }
        }
    }

    @Test func saysWhyThereIsNoConnection() async throws {
        let port = try await freePort()
        try await withClient("redis://:secret@127.0.0.1:\(port)", { $0.connectTimeout = .seconds(1) }) { client in
            let error = await client.connectFailure()
            #expect(error?.code == .notConnected && error?.outcomeIsUnknown == false)
            #expect(error?.message.contains("redis://:***@127.0.0.1:\(port)") == true)
            #expect(error?.message.contains("refused") == true)
        }
    }
}
