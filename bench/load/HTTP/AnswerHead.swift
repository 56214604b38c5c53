internal import Foundation

/// The parts of an HTTP/1.1 answer (RFC 9112) that a load generator needs: the status, the body, and whether the connection goes
/// on. It is read from its beginning each time more of it has come. That takes no time if answers come whole, as short ones do.
struct AnswerHead: Hashable {
    enum Parsed: Hashable {
        /// More bytes are needed.
        case incomplete
        case complete(AnswerHead)
        case invalid
    }

    let status: Int
    let keepsConnection: Bool
    /// The offset behind the head.
    let bodyStart: Int
    /// The offset behind the whole answer.
    let end: Int
    let isChunked: Bool

    static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard bytes.count >= 12 else { return .incomplete }
        // HTTP/1.x NNN
        guard bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self) & 0x00FF_FFFF_FFFF_FFFF == 0x002E_312F_5054_5448,
            bytes[8] == UInt8(ascii: " "), let status = status(bytes)
        else { return .invalid }
        var keeps = bytes[7] != UInt8(ascii: "0")
        var length: Int?
        var isChunked = false
        guard var line = nextLine(bytes, from: 12) else { return .incomplete }
        while true {
            guard line < bytes.count else { return .incomplete }
            guard let following = nextLine(bytes, from: line) else { return .incomplete }
            let field = UnsafeRawBufferPointer(rebasing: bytes[line..<following])
            line = following
            // An empty line ends the head.
            if field.count == 2, field[0] == UInt8(ascii: "\r") { break }
            switch field[0] | 0x20 {
            case UInt8(ascii: "c"):
                if let value = value(of: "content-length", in: field) {
                    guard let number = decimal(value) else { return .invalid }
                    length = number
                } else if let value = value(of: "connection", in: field) {
                    if equals(value, "close") { keeps = false }
                    if equals(value, "keep-alive") { keeps = true }
                }
            case UInt8(ascii: "t"):
                if let value = value(of: "transfer-encoding", in: field) {
                    guard equals(value, "chunked") else { return .invalid }
                    isChunked = true
                }
            default: break
            }
        }
        let end: Int
        if isChunked {
            switch chunkedEnd(bytes, from: line) {
            case .found(let offset): end = offset
            case .incomplete: return .incomplete
            case .invalid: return .invalid
            }
        } else if status == 204 || status == 304 {
            end = line
        } else {
            // Without a length the body would end with the connection. No server of an API does that to a client of HTTP/1.1.
            guard let length else { return .invalid }
            end = line + length
        }
        guard end <= bytes.count else { return .incomplete }
        return .complete(
            AnswerHead(status: status, keepsConnection: keeps, bodyStart: line, end: end, isChunked: isChunked)
        )
    }

    /// Calls `read` with the body, without the lines between its chunks.
    func withBody<Result>(in bytes: UnsafeRawBufferPointer, _ read: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard isChunked else { return read(UnsafeRawBufferPointer(rebasing: bytes[bodyStart..<end])) }
        var body: [UInt8] = []
        var offset = bodyStart
        while let chunk = AnswerHead.chunk(bytes, at: offset), !chunk.isEmpty {
            body.append(contentsOf: bytes[chunk])
            offset = chunk.upperBound + 2
        }
        return body.withUnsafeBytes(read)
    }
}

extension AnswerHead {
    private enum End {
        case found(Int)
        case incomplete
        case invalid
    }

    private static func chunkedEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> End {
        var offset = start
        while true {
            guard nextLine(bytes, from: offset) != nil else { return .incomplete }
            guard let chunk = chunk(bytes, at: offset) else { return .invalid }
            if chunk.isEmpty { break }
            guard chunk.upperBound + 2 <= bytes.count else { return .incomplete }
            guard bytes[chunk.upperBound] == UInt8(ascii: "\r"), bytes[chunk.upperBound + 1] == UInt8(ascii: "\n") else {
                return .invalid
            }
            offset = chunk.upperBound + 2
        }
        // Trailers and an empty line follow the last chunk.
        guard var line = nextLine(bytes, from: offset) else { return .incomplete }
        while let following = nextLine(bytes, from: line) {
            if following - line == 2 { return .found(following) }
            line = following
        }
        return .incomplete
    }

    /// The bytes of the chunk whose size is in the line at `offset`; `nil` if there is no size.
    private static func chunk(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Range<Int>? {
        guard let start = nextLine(bytes, from: offset) else { return nil }
        var size = 0
        var digits = 0
        for byte in bytes[offset..<start] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { break }
            size = size << 4 | digit
            digits += 1
            guard digits <= 8 else { return nil }
        }
        return digits > 0 ? start..<start + size : nil
    }

    /// The offset behind the next line feed.
    private static func nextLine(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Int? {
        guard offset < bytes.count, let base = bytes.baseAddress else { return nil }
        guard let found = memchr(base + offset, 0x0A, bytes.count - offset) else { return nil }
        return UnsafeRawPointer(found) - base + 1
    }

    /// The value of a field, without the space around it; `nil` for another field. `name` is in lower case.
    private static func value(of name: StaticString, in field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard field.count > count, field[count] == UInt8(ascii: ":") else { return nil }
        guard equals(UnsafeRawBufferPointer(rebasing: field[..<count]), name) else { return nil }
        var (start, end) = (count + 1, field.count)
        while start < end, field[start] == UInt8(ascii: " ") || field[start] == UInt8(ascii: "\t") { start += 1 }
        while end > start, field[end - 1] <= UInt8(ascii: " ") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: field[start..<end])
    }

    /// Compares without regard to case. `text` is in lower case.
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            guard lower == text.utf8Start[index] else { return false }
        }
        return true
    }

    /// A number of at most nine digits, so that no sum overflows.
    private static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard (1...9).contains(bytes.count) else { return nil }
        var value = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    /// The status at the ninth byte.
    private static func status(_ bytes: UnsafeRawBufferPointer) -> Int? {
        decimal(UnsafeRawBufferPointer(rebasing: bytes[9..<12]))
    }
}
