import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

/// A connection on a loop whose time stands still until it is told to go on.
@Suite struct RedisConnectionTests {
    private struct Rig {
        let loop = EmbeddedEventLoop()
        let connection: RedisConnection
        let channels: Channels

        init(_ adapt: (inout RedisConfiguration) -> Void = { _ in }) throws {
            var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: "redis://test"))
            configuration.roleCheckInterval = nil
            adapt(&configuration)
            let channels = Channels(loop: loop)
            self.channels = channels
            connection = RedisConnection(
                configuration: configuration,
                eventLoop: loop,
                connect: { _ in channels.open() },
                readiness: Readiness(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            connection.start()
            let hello = "*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$7\r\nSETNAME\r\n$6\r\nredeem\r\n"
            #expect(try channel.readAll() == hello + "*1\r\n$4\r\nPING\r\n" + Rig.roleQuestion)
            try channel.logIn()
            #expect(connection.isConnected)
        }

        var channel: EmbeddedChannel { channels.opened.last! }

        static let roleQuestion = "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n"
    }

    /// One a connection attempt. Only used on the loop's thread, which is the test's.
    private final class Channels: @unchecked Sendable {
        let loop: EmbeddedEventLoop
        var opened: [EmbeddedChannel] = []

        init(loop: EmbeddedEventLoop) { self.loop = loop }

        /// Where the next ones are, by the Sentinels.
        var told: PrimaryLocation?

        func open() -> EventLoopFuture<RedisChannel> {
            let channel = EmbeddedChannel(loop: loop)
            opened.append(channel)
            return loop.makeSucceededFuture(RedisChannel(channel: channel, told: told))
        }
    }

    private final class Log {
        var entries: [String] = []

        func note(_ name: String) -> RedisConnection.Completion {
            { result in
                switch result {
                case .success(let value): self.entries.append("\(name): \(value)")
                case .failure(let error):
                    self.entries.append("\(name): \(error.code)\(error.outcomeIsUnknown ? " unknown" : "")")
                }
            }
        }
    }

    @Test func theCommandsOfATickLeaveInOneWrite() throws {
        let rig = try Rig()
        let log = Log()
        for number in 1...3 {
            rig.connection.send(["GET", "\(number)"], completion: log.note("\(number)"))
        }
        rig.connection.pipeline([["A"], ["B"]]) { _ in }
        #expect(try rig.channel.readOutbound(as: ByteBuffer.self) == nil)
        rig.loop.run()
        let write = try #require(try rig.channel.readOutbound(as: ByteBuffer.self))
        let gets = (1...3).map { "*2\r\n$3\r\nGET\r\n$1\r\n\($0)\r\n" }.joined()
        #expect(String(buffer: write) == gets + "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n")
        #expect(try rig.channel.readOutbound(as: ByteBuffer.self) == nil)

        // What replies make callers send leaves in one write too.
        let connection = rig.connection
        for _ in 1...2 { connection.send(["X"]) { _ in connection.send(["Y"]) { _ in } } }
        rig.loop.run()
        _ = try rig.channel.readAll()
        try rig.channel.reply(":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n")
        let second = try #require(try rig.channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: second) == "*1\r\n$1\r\nY\r\n*1\r\n$1\r\nY\r\n")
        #expect(try rig.channel.readOutbound(as: ByteBuffer.self) == nil)
        #expect(log.entries == ["1: integer(1)", "2: integer(2)", "3: integer(3)"])
    }

    @Test func errorsAreFailuresOfACommandAndRepliesOfAPipeline() throws {
        let rig = try Rig()
        var failure: RedisError?
        rig.connection.send(["A"]) { result in
            if case .failure(let error) = result { failure = error }
        }
        var replies: [RESPValue]?
        rig.connection.pipeline([["B"], ["C"]]) { replies = try? $0.get() }
        rig.loop.run()
        try rig.channel.reply("-NOSCRIPT No matching script\r\n-ERR no\r\n+OK\r\n")
        #expect(failure?.code == .serverError && failure?.serverPrefix == "NOSCRIPT" && failure?.outcomeIsUnknown == false)
        #expect(replies == [.error("ERR no"), .string("OK")])
        var empty: [RESPValue]?
        rig.connection.pipeline([] as [[String]]) { empty = try? $0.get() }
        #expect(empty == [])
    }

    @Test func aLateReplyAnswersNobodyElse() throws {
        let rig = try Rig()
        let log = Log()
        rig.connection.send(["A"], completion: log.note("A"))
        rig.loop.advanceTime(by: .milliseconds(999))
        #expect(log.entries == [])
        rig.loop.advanceTime(by: .milliseconds(1))
        #expect(log.entries == ["A: deadlineExceeded unknown"])
        rig.connection.send(["B"], completion: log.note("B"))
        rig.loop.run()
        try rig.channel.reply(":1\r\n")
        #expect(log.entries.count == 1)
        try rig.channel.reply(":2\r\n")
        #expect(log.entries == ["A: deadlineExceeded unknown", "B: integer(2)"])
        #expect(rig.connection.pendingCount == 0)
        rig.loop.advanceTime(by: .seconds(10))
        #expect(rig.channels.opened.count == 1)
    }

    @Test func aReplyLaterThanTwoDeadlinesFindsAnotherConnection() throws {
        let rig = try Rig()
        let log = Log()
        let first = rig.channel
        rig.connection.send(["A"], completion: log.note("A"))
        rig.loop.advanceTime(by: .milliseconds(1900))
        rig.connection.send(["B"], completion: log.note("B"))
        rig.loop.advanceTime(by: .milliseconds(100))
        #expect(log.entries == ["A: deadlineExceeded unknown", "B: connectionLost unknown"])
        rig.connection.send(["C"], completion: log.note("C"))
        #expect(log.entries.last == "C: notConnected")
        #expect(!first.isActive)

        rig.loop.advanceTime(by: .milliseconds(20))
        #expect(rig.channels.opened.count == 2)
        try rig.channel.logIn()
        rig.connection.send(["D"], completion: log.note("D"))
        rig.loop.run()
        // What was still on its way on the old connection.
        first.pipeline.fireChannelRead(ByteBuffer(string: ":1\r\n"))
        first.pipeline.fireChannelInactive()
        #expect(log.entries.count == 3)
        try rig.channel.reply(":4\r\n")
        #expect(log.entries.last == "D: integer(4)")
    }

    @Test func aLostConnectionTellsWrittenFromUnwritten() throws {
        let rig = try Rig()
        let log = Log()
        rig.connection.send(["A"], completion: log.note("A"))
        rig.loop.run()
        rig.connection.send(["B"], completion: log.note("B"))
        rig.channel.pipeline.fireChannelInactive()
        #expect(log.entries == ["A: connectionLost unknown", "B: notConnected"])
        #expect(!rig.connection.isConnected)
        // B's bytes are not in the way of the next login.
        rig.loop.advanceTime(by: .milliseconds(20))
        #expect(try rig.channel.readAll().hasPrefix("*4\r\n$5\r\nHELLO"))
    }

    @Test func aCallbackMayEndTheConnection() throws {
        let rig = try Rig()
        let log = Log()
        let connection = rig.connection
        connection.send(["A"]) { _ in connection.close {} }
        connection.send(["B"], completion: log.note("B"))
        rig.loop.run()
        try rig.channel.reply(":1\r\n:2\r\n:3\r\n")
        #expect(log.entries == ["B: integer(2)"])
        #expect(!rig.channel.isActive)
        connection.send(["C"], completion: log.note("C"))
        #expect(log.entries.last == "C: closed")
    }

    @Test func garbageEndsTheConnection() throws {
        let rig = try Rig { $0.replyLimitBytes = 100 }
        let log = Log()
        rig.connection.send(["A"], completion: log.note("A"))
        rig.loop.run()
        try rig.channel.reply("HTTP/1.1 400 Bad Request\r\n")
        #expect(log.entries == ["A: protocolViolation unknown"])
        rig.loop.advanceTime(by: .milliseconds(20))
        #expect(rig.channels.opened.count == 2)
    }

    @Test func oneTimerServesAllDeadlines() throws {
        let rig = try Rig()
        let log = Log()
        for number in 1...100 {
            let deadline = rig.loop.now + .milliseconds(10 * Int64(101 - number))
            rig.connection.send(["A"], deadline: deadline, completion: log.note("\(number)"))
        }
        rig.loop.run()
        for number in (1...100).reversed() {
            rig.loop.advanceTime(by: .milliseconds(9))
            #expect(log.entries.count == 100 - number)
            rig.loop.advanceTime(by: .milliseconds(1))
            #expect(log.entries.last == "\(number): deadlineExceeded unknown")
        }
    }

    private func info(_ role: String, _ id: String = "a") -> String {
        let text = "role:\(role)\r\nmaster_replid:\(id)\r\n"
        return "$\(text.utf8.count)\r\n\(text)\r\n"
    }

    @Test func aPrimaryThatBecomesAReplicaIsLeft() throws {
        let rig = try Rig { $0.roleCheckInterval = .milliseconds(100) }
        #expect(rig.connection.replicationID == ReplicationID("a"))
        rig.loop.advanceTime(by: .milliseconds(100))
        #expect(try rig.channel.readAll() == Rig.roleQuestion)
        // As when its first replica has come.
        try rig.channel.reply(info("master", "b"))
        #expect(rig.connection.replicationID == ReplicationID("b"))
        // One question at a time.
        rig.loop.advanceTime(by: .milliseconds(200))
        #expect(try rig.channel.readAll() == Rig.roleQuestion)
        try rig.channel.reply(info("slave", "b"))
        #expect(!rig.connection.isConnected && rig.connection.replicationID == nil)
        rig.loop.advanceTime(by: .milliseconds(20))
        #expect(rig.channels.opened.count == 2)
    }

    @Test func aWriteThatAReplicaRefusedIsTheLastOnItsConnection() throws {
        let rig = try Rig()
        let log = Log()
        rig.connection.send(["A"], completion: log.note("A"))
        rig.connection.send(["B"], completion: log.note("B"))
        rig.loop.run()
        try rig.channel.reply("-READONLY You can't write against a read only replica.\r\n-READONLY no\r\n")
        #expect(log.entries == ["A: serverError", "B: serverError"], "refused, and that is known")
        #expect(!rig.connection.isConnected)
    }

    @Test func aPrimaryThatTheSentinelsHaveReplacedIsLeft() throws {
        let rig = try Rig()
        // The last two are at one place: two failovers, to another one and back.
        let nodes = [("a", 0), ("b", 1), ("b", 3)].map {
            PrimaryLocation(node: RedisEndpoint.Node(host: $0.0, port: 1), epoch: $0.1)
        }
        let (first, second) = (nodes[1], nodes[2])
        rig.connection.follow(nodes[0])
        #expect(rig.connection.isConnected, "nobody knows where this one is")
        rig.channel.pipeline.fireChannelInactive()
        rig.channels.told = first
        // No news.
        rig.connection.follow(nodes[0])
        rig.loop.run()
        #expect(rig.channels.opened.count == 1)
        // The next attempt is made at once.
        rig.connection.follow(first)
        rig.loop.run()
        #expect(rig.channels.opened.count == 2)
        try rig.channel.logIn()
        let log = Log()
        rig.connection.send(["A"], completion: log.note("A"))
        rig.loop.run()
        rig.connection.follow(first)
        #expect(rig.connection.isConnected)
        rig.connection.follow(second)
        #expect(log.entries == ["A: connectionLost unknown"])
        // An attempt that was under way leads to the old one.
        rig.loop.advanceTime(by: .milliseconds(20))
        #expect(rig.channels.opened.count == 3)
        #expect(!rig.channel.isActive && !rig.connection.isConnected)
        rig.channels.told = second
        rig.loop.advanceTime(by: .milliseconds(40))
        try rig.channel.logIn()
        #expect(rig.connection.isConnected)
        #expect(rig.connection.replicationID == ReplicationID("a-3"))
    }
}

extension EmbeddedChannel {
    fileprivate func logIn() throws {
        try reply("*0\r\n+PONG\r\n$30\r\nrole:master\r\nmaster_replid:a\r\n\r\n")
    }

    fileprivate func reply(_ text: String) throws {
        try writeInbound(ByteBuffer(string: text))
        embeddedEventLoop.run()
    }

    fileprivate func readAll() throws -> String {
        var text = ""
        while let buffer = try readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }
}
