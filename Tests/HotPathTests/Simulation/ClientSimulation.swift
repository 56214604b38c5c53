import Domain
import Logging
import NIOCore
import NIOEmbedded
import TestSupport

@testable import HotPath
@testable import RedisClient

/// The client and the redeemer, whole, on an event loop whose time stands still until it is moved, against a simulated Redis. One
/// seed drives both.
final class ClientSimulation {
    private enum Answer {
        case value(String)
        case refused
        case unknown
        /// Redis has said no: whether something happened is for it to say.
        case serverError
    }

    private let loop = EmbeddedEventLoop()
    private let client: RedisClient
    private let connection: RedisConnection
    private let redeemer: Redeemer
    private let server: SimulatedServer
    private let attempts = Attempts()
    private var random: SeededGenerator
    private var answers: [String: Answer] = [:]
    private var sent: Set<String> = []
    private var last = 0
    private var isHung = false
    private(set) var violation: String?
    private(set) var seen: [String: Int] = [:]

    private static let pendingLimit = 40
    private static let waitingLimit = 24

    /// Attempts to connect that nobody has answered yet.
    private final class Attempts: @unchecked Sendable {
        var open: [EventLoopPromise<RedisChannel>] = []
    }

    init(seed: UInt64, fault: SimulatedServer.Fault? = nil) {
        random = SeededGenerator(seed: seed)
        server = SimulatedServer(fault: fault)
        var configuration = RedisConfiguration(endpoint: try! RedisEndpoint(url: "redis://simulated"))
        configuration.pendingLimit = ClientSimulation.pendingLimit
        let attempts = attempts
        client = RedisClient(
            configuration: configuration,
            eventLoopGroup: loop,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() },
            connect: { eventLoop in
                let promise = eventLoop.makePromise(of: RedisChannel.self)
                attempts.open.append(promise)
                return promise.futureResult
            }
        )
        connection = client.connection(on: loop)
        var limits = HotPathLimits()
        limits.redemptionsPerCall = 4
        limits.waitingPerEventLoop = ClientSimulation.waitingLimit
        redeemer = HotPath(client: client, limits: limits).redeemer(on: loop)
    }

    /// - Returns: what was not as it must be.
    func run() -> String? {
        loop.run()
        for _ in 0..<Int.random(in: 50...300, using: &random) where violation == nil {
            act()
            settle()
        }
        if violation == nil { heal() }
        end()
        if violation == nil { check() }
        return violation
    }

    private func violate(_ text: String) { if violation == nil { violation = text } }
    private func count(_ what: String) { seen[what, default: 0] += 1 }

    /// Runs what the loop has to do now.
    private func settle() {
        loop.run()
        for peer in server.peers { peer.receive() }
        let pending = connection.pendingCount
        if pending > ClientSimulation.pendingLimit { violate("\(pending) commands are pending") }
        if redeemer.waitingCount > ClientSimulation.waitingLimit { violate("\(redeemer.waitingCount) redemptions wait") }
    }

    // MARK: What happens

    private func act() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<22: echo()
        case 22..<28: pipeline()
        case 28..<52: redeem()
        case 52..<70: if !isHung { withPeer { server.carryOut($0, random: &random) } }
        case 70..<86: withPeer(deliver)
        case 86..<92: loop.advanceTime(by: .milliseconds(Int64.random(in: 0...400, using: &random)))
        case 92..<96: answerAttempt()
        default: disturb()
        }
    }

    private func name() -> String {
        last += 1
        return "\(UUIDv7.Tail(high: 0, low: UInt64(last)))"
    }

    private func echo() {
        let name = name()
        let deadline = random.chance(50) ? nil : loop.now + .milliseconds(Int64.random(in: -10...600, using: &random))
        sent.insert(name)
        connection.send(["ECHO", name], deadline: deadline) { self.answered(name, $0) }
    }

    private func pipeline() {
        let names = (0..<Int.random(in: 1...5, using: &random)).map { _ in name() }
        sent.formUnion(names)
        connection.pipeline(names.map { ["ECHO", $0] }) { result in
            switch result {
            case .success(let replies):
                if replies.count != names.count { self.violate("\(replies.count) replies to \(names.count) commands") }
                for (name, reply) in zip(names, replies) {
                    if case .error(let message) = reply {
                        self.answered(name, .failure(RedisError(.serverError, message)))
                    } else {
                        self.answered(name, .success(reply))
                    }
                }
            case .failure(let error): for name in names { self.answered(name, .failure(error)) }
            }
        }
    }

    private func answered(_ name: String, _ result: Result<RESPValue, RedisError>) {
        switch result {
        case .success(let value):
            if value != .string(name) { violate("\(name) was answered with \(value)") }
            answered(name, .value(name))
        case .failure(let error):
            if error.code == .serverError, error.message != "ERR \(name)" { violate("\(name) was answered with \(error)") }
            answered(name, ClientSimulation.answer(error))
        }
    }

    private static func answer(_ error: RedisError) -> Answer {
        error.outcomeIsUnknown ? .unknown : error.code == .serverError ? .serverError : .refused
    }

    private func answered(_ name: String, _ answer: Answer) {
        if answers[name] != nil { violate("\(name) was answered twice") }
        answers[name] = answer
        switch answer {
        case .value: count("answered")
        case .refused: count("refused")
        case .unknown: count("unknown")
        case .serverError: count("error of the server")
        }
    }

    private func redeem() {
        let name = name()
        let request = RedeemRequest(
            user: UserID(uuid: UUIDv7(milliseconds: 1)),
            session: SessionID(uuid: UUIDv7(milliseconds: 1)),
            coupon: CouponID(["tea", "jam"].randomElement(using: &random)!)!,
            codeDigest: CodeDigest(bytes: Array(repeating: 7, count: 32))!,
            tail: UUIDv7.Tail(name)!
        )
        sent.insert(name)
        redeemer.redeem(request) { result in
            switch result {
            case .success(let reply):
                let decision = SimulatedServer.decision(name)
                if reply.code != decision { self.violate("\(name) got \(reply.code) and should get \(decision)") }
                if case .replayed(let redemption) = reply, "\(redemption.id.uuid.tail)" != name {
                    self.violate("another's redemption")
                }
                if case .alreadyRedeemed(let id) = reply, "\(id.uuid.tail)" != name { self.violate("another's redemption") }
                self.answered(name, .value(name))
            case .failure(let error): self.answered(name, ClientSimulation.answer(error))
            }
        }
    }

    private func withPeer(_ body: (SimulatedServer.Peer) -> Void) {
        if let peer = server.peers.randomElement(using: &random) { body(peer) }
    }

    /// As many bytes as come at once.
    private func deliver(_ peer: SimulatedServer.Peer) {
        let length = random.chance(50) ? peer.replies.readableBytes : min(peer.replies.readableBytes, 1 + Int(random.next() % 40))
        guard length > 0, let bytes = peer.replies.readSlice(length: length) else { return }
        peer.replies.discardReadBytes()
        _ = try? peer.channel.writeInbound(bytes)
    }

    private func answerAttempt() {
        guard !attempts.open.isEmpty else { return }
        let promise = attempts.open.removeFirst()
        if random.chance(25) {
            count("attempt refused")
            promise.fail(ChannelError.connectTimeout(.seconds(1)))
        } else {
            accept(promise)
        }
    }

    private func accept(_ promise: EventLoopPromise<RedisChannel>) {
        count("connected")
        let channel = EmbeddedChannel(loop: loop)
        server.peers.append(SimulatedServer.Peer(channel))
        promise.succeed(RedisChannel(channel: channel))
    }

    // MARK: Faults

    private func disturb() {
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            count("connection closed")
            withPeer(drop)
        case 1:
            count("hung")
            isHung.toggle()
        case 2:
            // What Redis has taken in it carries out, though nobody is there any more.
            count("closed late")
            withPeer { peer in
                while peer.hasCommands { server.carryOut(peer, random: &random) }
                drop(peer)
            }
        case 3:
            withPeer { peer in
                // Between two replies: within one it could not be told from what that one says.
                guard peer.replies.readableBytes == 0 else { return }
                count("noise")
                let noise = ["?\r\n", "*1\r\n", "$999999999999\r\n"].randomElement(using: &random)!
                _ = try? peer.channel.writeInbound(ByteBuffer(string: noise))
                drop(peer)
            }
        default:
            count("silence")
            loop.advanceTime(by: .milliseconds(2500))
        }
    }

    private func drop(_ peer: SimulatedServer.Peer) {
        server.peers.removeAll { $0 === peer }
        if random.chance(50) {
            peer.channel.pipeline.fireErrorCaught(ChannelError.ioOnClosedChannel)
        }
        peer.channel.close(promise: nil)
        loop.run()
    }

    // MARK: The end

    /// Redis is well: what is under way is answered, and a command sent then is too.
    private func heal() {
        isHung = false
        server.isWell = true
        for _ in 0..<150 {
            while !attempts.open.isEmpty { accept(attempts.open.removeFirst()) }
            answerAll()
            loop.advanceTime(by: .milliseconds(30))
        }
        // The connection asks from time to time whose it is.
        answerAll()
        // Two deadlines and a wait are over by now.
        if connection.pendingCount != 0 { violate("\(connection.pendingCount) commands are pending at rest") }
        if redeemer.waitingCount != 0 { violate("\(redeemer.waitingCount) redemptions wait at rest") }
        if !connection.isConnected { violate("no connection, though Redis is there") }
        for name in sent where answers[name] == nil { violate("\(name) was never answered") }
    }

    private func answerAll() {
        settle()
        for peer in server.peers {
            while peer.hasCommands { server.carryOut(peer, random: &random) }
            while peer.replies.readableBytes > 0 { deliver(peer) }
        }
        settle()
    }

    /// Closes the client, and lets go of what refers to itself.
    private func end() {
        var isClosed = false
        connection.close { isClosed = true }
        loop.advanceTime(by: .seconds(3))
        if !isClosed { violate("the client is not closed after every deadline") }
        for promise in attempts.open { promise.fail(ChannelError.alreadyClosed) }
        loop.run()
        for peer in server.peers { _ = try? peer.channel.finish(acceptAlreadyClosed: true) }
        loop.advanceTime(by: .seconds(3))
        for name in sent where answers[name] == nil { violate("\(name) was never answered, and the client is closed") }
    }

    private func check() {
        for (name, count) in server.happened where count > 1 { violate("\(name) happened \(count) times") }
        for (name, answer) in answers {
            let happened = server.happened[name, default: 0] > 0
            switch answer {
            case .value: if !happened && SimulatedServer.decision(name) != .soldOut { violate("\(name) did not happen") }
            case .refused: if happened { violate("\(name) was refused and happened") }
            case .unknown, .serverError: break
            }
        }
    }
}
