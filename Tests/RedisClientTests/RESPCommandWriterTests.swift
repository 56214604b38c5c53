import NIOCore
import Testing

@testable import RedisClient

@Suite struct RESPCommandWriterTests {
    private func written(_ count: Int, _ encode: (inout RESPCommandWriter) -> Void) -> [UInt8] {
        var writer = RESPCommandWriter()
        writer.write(arguments: count, encode)
        return Array(writer.buffer.readableBytesView)
    }

    /// The arguments, read back with hiredis: a command is an array of strings.
    private func arguments(_ count: Int, _ encode: (inout RESPCommandWriter) -> Void) throws -> [RESPValue] {
        let command = written(count, encode)
        let reader = ReplyReader(replyLimitBytes: 1 << 20)
        var replies: [RESPValue] = []
        try command.withUnsafeBytes { bytes in
            try reader.read(bytes) {
                replies.append($0)
                return true
            }
        }
        #expect(replies.count == 1)
        return try #require(replies.first?.array)
    }

    @Test func writesACommand() {
        let get = written(2) {
            $0.append("GET")
            $0.append("é")
        }
        #expect(get == Array("*2\r\n$3\r\nGET\r\n$2\r\né\r\n".utf8))
    }

    @Test func writesEachKindOfArgument() throws {
        let read = try arguments(6) {
            $0.append("users:", "x")
            $0.append("user:", bytes: 3) { $0.copyMemory(from: [UInt8]("abc".utf8), byteCount: 3) }
            $0.append(bytes: 2) { $0.copyMemory(from: [0xFF, 0x0A] as [UInt8], byteCount: 2) }
            $0.append(-42)
            $0.append([0x61, 0x0D, 0x0A])
            $0.append("")
        }
        #expect(
            read == [
                .string("users:x"), .string("user:abc"), .bytes([0xFF, 0x0A]), .string("-42"), .string("a\r\n"), .string(""),
            ]
        )
    }

    @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 101, 1000, 12_345]) func writesLengths(length: Int) throws {
        let text = String(repeating: "x", count: length)
        let one = try arguments(1) { $0.append(text) }
        #expect(one == [.string(text)])
        let many = try arguments(length + 1) { for _ in 0...length { $0.append("") } }
        #expect(many.count == length + 1)
    }

    @Test func keepsALittleMemoryOnly() {
        var writer = RESPCommandWriter()
        writer.write(arguments: 1) { $0.append(String(repeating: "x", count: 1000)) }
        writer.clear()
        #expect(writer.buffer.readableBytes == 0)
        #expect(writer.buffer.capacity >= 1000)
        writer.write(arguments: 1) { $0.append(String(repeating: "x", count: 1 << 20)) }
        writer.clear()
        #expect(writer.buffer.capacity == 0)
    }
}
