import TestSupport
import Testing

@testable import RedisClient

@Suite struct ReplyReaderTests {
    private static let samples: [RESPValue] = [
        .null, .integer(0), .integer(.max), .integer(.min), .string(""), .string("OK"), .string("a\r\nb"), .string("é🎟"),
        .error("NOSCRIPT No matching script"), .array([]),
        .array([.array([.string("id"), .null, .array([.integer(-1), .string("$5\r\nhello")])]), .error("ERR in an array")]),
    ]

    /// All replies in the pieces, each piece fed by itself.
    private func read(_ pieces: [ArraySlice<UInt8>], limit: Int = 1 << 20) throws -> [RESPValue] {
        let reader = ReplyReader(replyLimitBytes: limit)
        var replies: [RESPValue] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try reader.read(bytes) {
                    replies.append($0)
                    return true
                }
            }
        }
        return replies
    }

    @Test func readsEachKind() throws {
        let bytes = ReplyReaderTests.samples.flatMap(\.encoded)
        #expect(try read([bytes[...]]) == ReplyReaderTests.samples)
        #expect(try read([Array("+PONG\r\n*-1\r\n".utf8)[...]]) == [.string("PONG"), .null])
    }

    @Test func readsByteByByte() throws {
        let bytes = ReplyReaderTests.samples.flatMap(\.encoded)
        #expect(try read(bytes.indices.map { bytes[$0...$0] }) == ReplyReaderTests.samples)
    }

    @Test func readsAtEveryCut() throws {
        let bytes = ReplyReaderTests.samples.flatMap(\.encoded)
        for cut in bytes.indices {
            #expect(try read([bytes[..<cut], bytes[cut...]]) == ReplyReaderTests.samples)
        }
    }

    @Test(arguments: 0..<200) func readsRandomRepliesAtRandomCuts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let replies = (0..<20).map { _ in RESPValue.random(depth: 0, using: &generator) }
        let bytes = replies.flatMap(\.encoded)
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = min(rest.count, Int.random(in: 1...64, using: &generator))
            pieces.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        #expect(try read(pieces) == replies)
        #expect(try read([bytes[...]]) == replies)
    }

    /// Damaged bytes are an error or some other replies, never a crash.
    @Test(arguments: 0..<200) func survivesDamage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = (0..<5).flatMap { _ in RESPValue.random(depth: 0, using: &generator).encoded }
        for _ in 0..<3 {
            // Digits stay: they would ask hiredis for arrays of many gigabytes.
            let index = Int.random(in: bytes.indices, using: &generator)
            if !(48...57).contains(bytes[index]) { bytes[index] = "\r\n$*+-:x%".utf8.randomElement(using: &generator)! }
        }
        _ = try? read([bytes[...]])
    }

    @Test func keepsTheBytesOfWhatIsNotUTF8() throws {
        let bytes: [UInt8] = Array("$3\r\n".utf8) + [0x61, 0xFF, 0x62] + Array("\r\n".utf8)
        #expect(try read([bytes[...]]) == [.bytes([0x61, 0xFF, 0x62])])
    }

    @Test func limitsTheSizeOfAReply() throws {
        let small = RESPValue.string(String(repeating: "x", count: 50_000))
        #expect(try read([(small.encoded + small.encoded)[...]], limit: 60_000) == [small, small])
        #expect(throws: ReplyReader.Violation.self) { try self.read([small.encoded[...]], limit: 30_000) }
        // Many small ones in a reply that does not end.
        let endless = Array("*100000\r\n".utf8) + (0..<20_000).flatMap { _ in RESPValue.integer(1).encoded }
        #expect(throws: ReplyReader.Violation.self) { try self.read([endless[...]], limit: 30_000) }
    }

    @Test func limitsTheDepthOfAReply() throws {
        func nested(_ depth: Int) -> RESPValue { (0..<depth).reduce(.integer(1)) { value, _ in .array([value]) } }
        let deepest = nested(ReplyReader.depthLimit)
        #expect(try read([deepest.encoded[...]]) == [deepest])
        for depth in [ReplyReader.depthLimit + 1, 9, 1000] {
            #expect(throws: ReplyReader.Violation.self) { try self.read([nested(depth).encoded[...]]) }
        }
        let unfinished = Array(String(repeating: "*1\r\n", count: 4000).utf8)
        #expect(throws: ReplyReader.Violation.self) { try self.read([unfinished[...]]) }
    }

    @Test(arguments: ["x\r\n", "$-2\r\n", "$a\r\n", ":\r\n", "*-2\r\n", ":99999999999999999999\r\n", "HTTP/1.1 400 Bad\r\n"])
    func refusesWhatIsNotRESP(text: String) {
        let bytes = Array(text.utf8)
        #expect(throws: ReplyReader.Violation.self) { try self.read([bytes[...]]) }
    }
}
