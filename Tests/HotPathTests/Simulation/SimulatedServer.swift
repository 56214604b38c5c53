import Domain
import NIOCore
import NIOEmbedded
import TestSupport

@testable import HotPath

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
        fileprivate var commands: [[String]] = []
        var replies = ByteBuffer()

        init(_ channel: EmbeddedChannel) { self.channel = channel }

        var hasCommands: Bool { !commands.isEmpty }

        /// Takes in what the client has written.
        func receive() {
            while let bytes = try? channel.readOutbound(as: ByteBuffer.self) {
                bytes.withUnsafeReadableBytes { bytes in
                    // A command is an array of strings, as a reply can be.
                    try! reader.read(bytes) { value in
                        commands.append((value.array ?? []).map { $0.string ?? "" })
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

    private func reply(to command: [String], _ random: inout SeededGenerator) -> RESPValue {
        switch command[0] {
        case "ECHO":
            happened[command[1], default: 0] += 1
            return random.chance(5) ? .error("ERR \(command[1])") : .string(command[1])
        case "INFO": return .string("role:master\r\nmaster_replid:\(String(repeating: "a", count: 40))\r\n")
        case "EVALSHA": return redeem(command, random.chance(3))
        default: return !isWell && random.chance(5) ? .error("LOADING Redis is loading the dataset in memory") : .string("OK")
        }
    }

    private func redeem(_ command: [String], _ isClosed: Bool) -> RESPValue {
        if isClosed { return .error("NOSCRIPT No matching script. Please use EVAL.") }
        let keys = Int(command[2])!
        let tails = stride(from: 3 + keys + 3, to: command.count, by: 2).map { command[$0] }
        let prefix = "018bcfe5-6800-"
        let results = tails.map { tail in
            happened[tail, default: 0] += 1
            return RESPValue.string(SimulatedServer.decision(tail, prefix))
        }
        return .array([.string("10"), .string(prefix)] + results)
    }

    /// What a request gets, which its tail alone says: so an answer to another one is noticed.
    static func decision(_ tail: String, _ prefix: String) -> String {
        switch tail.utf8.reduce(0, { ($0 &* 31) &+ Int($1) }) % 7 {
        case 0, 1: "accepted"
        case 2: "replayed \(prefix)\(tail)"
        case 3: "already_redeemed \(prefix)\(tail)"
        case 4: "insufficient_credit"
        case 5: "wrong_code"
        default: "sold_out"
        }
    }
}
