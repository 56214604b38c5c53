/// A strict reader of JSON (RFC 8259). It reads the values that are asked for, and checks and skips the others. The memory it reads must
/// outlive it. It is used where Foundation would cost more than all else: for a request's body and a token's payload.
package struct JSONReader {
    package struct Failure: Error, Hashable {
        package enum Reason: String, CaseIterable {
            case invalidUTF8 = "it is not UTF-8"
            case syntax = "it is not JSON"
            case tooDeep = "it is nested too deep"
            case type = "a value has the wrong type"
        }

        package let reason: Reason
        /// The number of bytes before the fault.
        package let offset: Int
    }

    /// How deep arrays and objects may be nested.
    package static let depth = 16

    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var offset = 0

    package init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
        self.bytes = bytes
        guard bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil else {
            throw Failure(reason: .invalidUTF8, offset: UTF8Text.validPrefix(of: bytes))
        }
    }

    package func failure(_ reason: Failure.Reason = .syntax) -> Failure { Failure(reason: reason, offset: offset) }

    /// The next byte that is not white space; 0 at the end, which no JSON text contains.
    package mutating func peek() -> UInt8 {
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): offset += 1
            case let byte: return byte
            }
        }
        return 0
    }

    mutating func expect(_ byte: UInt8) throws(Failure) {
        guard peek() == byte else { throw failure() }
        offset += 1
    }

    /// Checks that only white space follows.
    package mutating func end() throws(Failure) {
        guard peek() == 0, offset == bytes.count else { throw failure() }
    }

    /// Reads an object. `member` gets each name, and must read or skip the value.
    package mutating func object(_ member: (JSONText, inout JSONReader) throws(Failure) -> Void) throws(Failure) {
        guard peek() == UInt8(ascii: "{") else { throw failure(.type) }
        offset += 1
        if peek() == UInt8(ascii: "}") {
            offset += 1
            return
        }
        while true {
            guard peek() == UInt8(ascii: "\"") else { throw failure() }
            let name = try string()
            try expect(UInt8(ascii: ":"))
            try member(name, &self)
            switch peek() {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "}"):
                offset += 1
                return
            default: throw failure()
            }
        }
    }

    /// Reads an integer that has neither fraction nor exponent and is not negative.
    package mutating func integer() throws(Failure) -> Int {
        guard isDigit(peek()) else { throw failure(.type) }
        let start = offset
        try skipNumber()
        var value = 0
        for byte in bytes[start..<offset] {
            guard isDigit(byte) else { throw failure(.type) }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw failure(.type) }
            value = sum
        }
        return value
    }

    /// Reads a string.
    package mutating func string() throws(Failure) -> JSONText {
        guard peek() == UInt8(ascii: "\"") else { throw failure(.type) }
        offset += 1
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                let text = UnsafeBufferPointer(rebasing: bytes[start..<offset])
                offset += 1
                return JSONText(plain: text)
            case UInt8(ascii: "\\"):
                return try escapedString(from: start)
            case 0..<0x20: throw failure()
            default: offset += 1
            }
        }
        throw failure()
    }

    /// Reads the rest of a string from its first escape on.
    private mutating func escapedString(from start: Int) throws(Failure) -> JSONText {
        var text = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return JSONText(decoded: text)
            case UInt8(ascii: "\\"): try appendEscape(to: &text)
            case 0..<0x20: throw failure()
            default: text.append(byte)
            }
        }
        throw failure()
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(Failure) {
        guard offset < bytes.count else { throw failure() }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: Character(try scalar()).utf8)
        default: throw failure()
        }
    }

    /// Reads the scalar of one `\u`, or of two that are a surrogate pair. Half a pair is not a character, so it is refused.
    private mutating func scalar() throws(Failure) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), offset + 2 <= bytes.count,
            bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
        else { throw failure() }
        offset += 2
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure() }
        return scalar
    }

    private mutating func fourDigits() throws(Failure) -> UInt32 {
        guard offset + 4 <= bytes.count else { throw failure() }
        var value: UInt32 = 0
        for byte in bytes[offset..<offset + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw failure()
            }
        }
        offset += 4
        return value
    }
}

extension JSONReader {
    /// Checks a value of any type and goes on behind it.
    package mutating func skip(depth: Int = JSONReader.depth) throws(Failure) {
        guard depth > 0 else { throw failure(.tooDeep) }
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object { (_, reader) throws(Failure) in try reader.skip(depth: depth - 1) }
        case UInt8(ascii: "["): try skipArray(depth: depth - 1)
        case UInt8(ascii: "t"): try skip("true")
        case UInt8(ascii: "f"): try skip("false")
        case UInt8(ascii: "n"): try skip("null")
        default: try skipNumber()
        }
    }

    private mutating func skipArray(depth: Int) throws(Failure) {
        offset += 1
        if peek() == UInt8(ascii: "]") {
            offset += 1
            return
        }
        while true {
            try skip(depth: depth)
            switch peek() {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "]"):
                offset += 1
                return
            default: throw failure()
            }
        }
    }

    private mutating func skip(_ word: StaticString) throws(Failure) {
        let end = offset + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[offset..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw failure() }
        offset = end
    }

    private mutating func skipNumber() throws(Failure) {
        if peek() == UInt8(ascii: "-") { offset += 1 }
        // A leading zero stands alone.
        if here == UInt8(ascii: "0") { offset += 1 } else { try skipDigits() }
        if here == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if here == UInt8(ascii: "e") || here == UInt8(ascii: "E") {
            offset += 1
            if here == UInt8(ascii: "+") || here == UInt8(ascii: "-") { offset += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(Failure) {
        guard isDigit(here) else { throw failure() }
        while isDigit(here) { offset += 1 }
    }

    private var here: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
