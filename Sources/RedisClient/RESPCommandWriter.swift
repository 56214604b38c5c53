package import NIOCore

/// Writes commands straight into a connection's outgoing bytes. One argument may be written in several parts, so strings need not be
/// joined.
public struct RESPCommandWriter {
    package private(set) var buffer = ByteBuffer()
    /// Arguments that the command's header promised and that are not written yet.
    private var missing = 0

    package init() {}

    public mutating func append(_ text: String) {
        writeHeader("$", text.utf8.count)
        buffer.writeString(text)
        endArgument()
    }

    /// Appends one argument that has two parts.
    public mutating func append(_ first: String, _ second: String) {
        writeHeader("$", first.utf8.count + second.utf8.count)
        buffer.writeString(first)
        buffer.writeString(second)
        endArgument()
    }

    /// Appends one argument: `prefix`, then `count` bytes, all of which `write` must fill.
    package mutating func append(_ prefix: String = "", bytes count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        writeHeader("$", prefix.utf8.count + count)
        buffer.writeString(prefix)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            write(target.baseAddress!)
            return count
        }
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

    mutating func append(_ argument: RESPArgument) {
        switch argument {
        case .text(let text): append(text)
        case .bytes(let bytes): append(bytes)
        }
    }

    /// Writes one command. It traps if `encode` appends another number of arguments, since all later replies would be shifted by one.
    package mutating func write(arguments: Int, _ encode: (inout RESPCommandWriter) -> Void) {
        precondition(missing == 0, "a command within a command")
        precondition(arguments > 0, "a command without a name")
        writeHeader("*", arguments)
        missing = arguments
        encode(&self)
        precondition(missing == 0, "\(missing) of \(arguments) arguments are missing")
    }

    /// Empties the buffer, keeping its memory unless a rare large batch made it large.
    package mutating func clear() {
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
}
