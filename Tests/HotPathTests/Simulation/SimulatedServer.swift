import Domain
import NIOCore
import NIOEmbedded
import TestSupport

@testable import HotPath
@testable import RedisClient

/// A Redis behind embedded channels: takes commands in as bytes, carries them out in order, and has replies to give. When it does
/// each of these, and whether, is up to the nemesis.
final class SimulatedServer {
    /// What it does wrong, so that the checker can be seen to notice.
    enum Fault: CaseIterable {
        case forgetsAReply
        case swapsReplies
        case carriesOutTwice
    }

    /// One connection, as the server sees it.
    final class Peer {
        let channel: EmbeddedChannel
        private let reader = ReplyReader(replyLimitBytes: 1 << 20)
        fileprivate var commands: [[RESPValue]] = []
        var replies = ByteBuffer()

        init(_ channel: EmbeddedChannel) { self.channel = channel }

        var hasCommands: Bool { !commands.isEmpty }

        /// Takes in what the client has written.
        func receive() {
            while let bytes = try? channel.readOutbound(as: ByteBuffer.self) {
                bytes.withUnsafeReadableBytes { bytes in
                    // A command is an array of strings, as a reply can be.
                    try! reader.read(bytes) { value in
                        commands.append(value.array ?? [])
                        return true
                    }
                }
            }
        }
    }

    /// How often each thing that was asked for has happened, by its name: what is echoed, or the tail of a redemption.
    private(set) var happened: [String: Int] = [:]
    var peers: [Peer] = []
    /// Answers no login with an error.
    var isWell = false
    private let fault: Fault?
    private var count = 0

    init(fault: Fault?) { self.fault = fault }

    func carryOut(_ peer: Peer, random: inout SeededGenerator) {
        guard !peer.commands.isEmpty else { return }
        let command = peer.commands.removeFirst()
        count += 1
        let reply = reply(to: command, &random)
        if fault == .carriesOutTwice, count.isMultiple(of: 20) { _ = self.reply(to: command, &random) }
        if fault == .forgetsAReply, count.isMultiple(of: 20) { return }
        if fault == .swapsReplies, count.isMultiple(of: 20), !peer.commands.isEmpty {
            let second = self.reply(to: peer.commands.removeFirst(), &random)
            peer.replies.writeBytes(second.encoded)
        }
        peer.replies.writeBytes(reply.encoded)
    }

    private func reply(to command: [RESPValue], _ random: inout SeededGenerator) -> RESPValue {
        let texts = command.map { $0.string ?? "" }
        switch texts[0] {
        case "ECHO":
            happened[texts[1], default: 0] += 1
            return random.chance(5) ? .error("ERR \(texts[1])") : .string(texts[1])
        case "INFO": return .string("role:master\r\nmaster_replid:\(String(repeating: "a", count: 40))\r\n")
        case "EVALSHA": return redeem(command, random.chance(3))
        default: return !isWell && random.chance(5) ? .error("LOADING Redis is loading the dataset in memory") : .string("OK")
        }
    }

    private func redeem(_ command: [RESPValue], _ isClosed: Bool) -> RESPValue {
        if isClosed { return .error("NOSCRIPT No matching script. Please use EVAL.") }
        let keys = command[2].number!
        let redemptions = try! RedemptionsBlob.read(command[3 + keys + 3].bytes!)
        let time = String(UUIDv7(milliseconds: 1_700_000_000_000, tail: redemptions[0].tail).base64URL.prefix(8))
        var letters: [UInt8] = []
        var values: [RESPValue] = []
        for (_, tail) in redemptions {
            happened["\(tail)", default: 0] += 1
            let code = SimulatedServer.decision("\(tail)")
            letters.append(code.letter)
            if code.hasValue { values.append(.string(time + tail.base64URL)) }
        }
        return .array([.string("10"), .string(time), .string(String(decoding: letters, as: UTF8.self))] + values)
    }

    /// What a request gets, which its tail alone says: so an answer to another one is noticed.
    static func decision(_ tail: String) -> RedeemCode {
        switch tail.utf8.reduce(0, { ($0 &* 31) &+ Int($1) }) % 7 {
        case 0, 1: .accepted
        case 2: .replayed
        case 3: .alreadyRedeemed
        case 4: .insufficientCredit
        case 5: .wrongCode
        default: .soldOut
        }
    }
}
