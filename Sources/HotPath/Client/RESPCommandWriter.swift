public import Domain
import NIOCore

/// Writes a command straight into a connection's outgoing bytes. What Redis takes as one argument may be written from
/// several parts, so that nobody has to join strings for it.
public struct RESPCommandWriter {
    private(set) var buffer = ByteBuffer()
    /// Arguments that the command's header promised and that are not written yet.
    private var missing = 0

    init() {}

    public mutating func append(_ text: String) {
        writeHeader("$", text.utf8.count)
        buffer.writeString(text)
        endArgument()
    }

    /// One argument, from two parts.
    public mutating func append(_ first: String, _ second: String) {
        writeHeader("$", first.utf8.count + second.utf8.count)
        buffer.writeString(first)
        buffer.writeString(second)
        endArgument()
    }

    public mutating func append(_ uuid: UUIDv7) {
        append("", uuid)
    }

    /// One argument: the text of `uuid` behind `prefix`.
    public mutating func append(_ prefix: String, _ uuid: UUIDv7) {
        writeHeader("$", prefix.utf8.count + 36)
        buffer.writeString(prefix)
        write(uuid, from: 0)
        endArgument()
    }

    public mutating func append(_ tail: UUIDv7.Tail) {
        writeHeader("$", 22)
        write(UUIDv7(milliseconds: 0, tail: tail), from: 14)
        endArgument()
    }

    public mutating func append(_ number: Int) {
        append(String(number))
    }

    public mutating func append(_ bytes: [UInt8]) {
        writeHeader("$", bytes.count)
        buffer.writeBytes(bytes)
        endArgument()
    }

    /// One argument: the bytes as lower-case hexadecimal digits.
    public mutating func append(hex bytes: [UInt8]) {
        writeHeader("$", bytes.count * 2)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count * 2) { target in
            for (index, byte) in bytes.enumerated() {
                target[index * 2] = RESPCommandWriter.hexDigit(byte >> 4)
                target[index * 2 + 1] = RESPCommandWriter.hexDigit(byte & 0xF)
            }
            return bytes.count * 2
        }
        endArgument()
    }

    /// One command. A count that is not the true one would shift all replies behind it by one: it traps.
    mutating func write(arguments: Int, _ encode: (inout RESPCommandWriter) -> Void) {
        precondition(missing == 0, "a command within a command")
        precondition(arguments > 0, "a command without a name")
        writeHeader("*", arguments)
        missing = arguments
        encode(&self)
        precondition(missing == 0, "\(missing) of \(arguments) arguments are missing")
    }

    /// Empties the buffer, keeping its memory unless a rare large batch made it large.
    mutating func clear() {
        if buffer.capacity > 256 << 10 {
            buffer = ByteBuffer()
        } else {
            buffer.clear()
        }
    }

    private mutating func endArgument() {
        precondition(missing > 0, "more arguments than announced")
        missing -= 1
        buffer.writeInteger(RESPCommandWriter.lineEnd)
    }

    private static let lineEnd: UInt16 = 0x0D0A

    private mutating func writeHeader(_ marker: Unicode.Scalar, _ count: Int) {
        buffer.writeInteger(UInt8(ascii: marker))
        if count < 10 {
            buffer.writeInteger(UInt8(ascii: "0") + UInt8(count))
        } else if count < 100 {
            buffer.writeInteger(UInt8(ascii: "0") + UInt8(count / 10))
            buffer.writeInteger(UInt8(ascii: "0") + UInt8(count % 10))
        } else {
            buffer.writeString(String(count))
        }
        buffer.writeInteger(RESPCommandWriter.lineEnd)
    }

    /// The text of a UUID, 36 characters, from the character `start` on.
    private mutating func write(_ uuid: UUIDv7, from start: Int) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 36 - start) { target in
            var nibble = 0
            for position in 0..<36 {
                let isDash = position == 8 || position == 13 || position == 18 || position == 23
                if position >= start {
                    let word = nibble < 16 ? uuid.high : uuid.low
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - nibble % 16 * 4)) & 0xF
                    target[position - start] = isDash ? UInt8(ascii: "-") : RESPCommandWriter.hexDigit(digit)
                }
                if !isDash { nibble += 1 }
            }
            return 36 - start
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
