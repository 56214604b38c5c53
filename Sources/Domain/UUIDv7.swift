/// A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, then 74 bits that are random or
/// derived from a digest. Its text is lower case, 36 characters.
public struct UUIDv7: Hashable, Sendable {
    /// Time, version and `rand_a`.
    public let high: UInt64
    /// Variant and `rand_b`.
    public let low: UInt64

    /// - Parameters:
    ///   - milliseconds: Unix time; only the low 48 bits are used.
    ///   - tail: the bits behind the time.
    public init(milliseconds: UInt64, tail: Tail) {
        high = milliseconds << 16 | UInt64(tail.high)
        low = tail.low
    }

    /// A fresh id: the time given, and 74 bits from the system's random source.
    public init(milliseconds: UInt64) {
        self.init(milliseconds: milliseconds, tail: .random())
    }

    /// Parses the 36-character text, either case. `nil` where it is not a UUID, or one of another version or variant.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let parsed = text.withUTF8({ UUIDv7(text: $0) }) else { return nil }
        self = parsed
    }

    init?(high: UInt64, low: UInt64) {
        guard high >> 12 & 0xF == 7, low >> 62 == 0b10 else { return nil }
        self.high = high
        self.low = low
    }

    /// Unix time in milliseconds.
    public var milliseconds: UInt64 { high >> 16 }

    public var tail: Tail { Tail(high: UInt16(truncatingIfNeeded: high), low: low) }

    /// Parses the 36-character text from memory.
    public init?(text bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count == UUIDv7.textBytes else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var nibbles = 0
        for (index, byte) in bytes.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let nibble = byte.hexValue else { return nil }
            if nibbles < 16 { high = high << 4 | UInt64(nibble) } else { low = low << 4 | UInt64(nibble) }
            nibbles += 1
        }
        self.init(high: high, low: low)
    }
}

extension UUIDv7 {
    /// All of a UUIDv7 but its time: version, `rand_a`, variant, `rand_b`.
    public struct Tail: Hashable, Sendable {
        public let high: UInt16
        public let low: UInt64

        /// Takes any bits and puts version 7 and the RFC 9562 variant over them.
        public init(high: UInt16, low: UInt64) {
            self.high = high & 0x0FFF | 0x7000
            self.low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        }

        public static func random() -> Tail {
            var generator = SystemRandomNumberGenerator()
            return Tail(high: generator.next(), low: generator.next())
        }

        /// Parses the text of `description`.
        public init?(_ text: some StringProtocol) {
            guard let whole = UUIDv7("00000000-0000-\(text)") else { return nil }
            self = whole.tail
        }
    }
}

extension UUIDv7: CustomStringConvertible {
    /// Bytes of the text.
    public static let textBytes = 36

    public var description: String {
        String(unsafeUninitializedCapacity: UUIDv7.textBytes) { buffer in
            write(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            return UUIDv7.textBytes
        }
    }

    /// Writes the 36 characters.
    public func write(to target: UnsafeMutableRawPointer) {
        // 8-4-4-4-12, from four times eight digits.
        let digits = (
            HexDigits.of(UInt32(truncatingIfNeeded: high >> 32)), HexDigits.of(UInt32(truncatingIfNeeded: high)),
            HexDigits.of(UInt32(truncatingIfNeeded: low >> 32)), HexDigits.of(UInt32(truncatingIfNeeded: low))
        )
        target.storeBytes(of: digits.0.littleEndian, as: UInt64.self)
        UUIDv7.writeHalves(of: digits.1, to: target + 8)
        UUIDv7.writeHalves(of: digits.2, to: target + 18)
        target.storeBytes(of: digits.3.littleEndian, toByteOffset: 28, as: UInt64.self)
    }

    /// Writes eight digits as two groups of four, each behind a dash.
    private static func writeHalves(of digits: UInt64, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        target.storeBytes(of: UInt32(truncatingIfNeeded: digits).littleEndian, toByteOffset: 1, as: UInt32.self)
        target.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 5, as: UInt8.self)
        target.storeBytes(of: UInt32(truncatingIfNeeded: digits >> 32).littleEndian, toByteOffset: 6, as: UInt32.self)
    }
}

extension UUIDv7.Tail: CustomStringConvertible {
    /// Bytes of the text.
    public static let textBytes = 22

    /// The last 22 characters of the UUID's text: `7xxx-yxxx-xxxxxxxxxxxx`.
    public var description: String {
        String(UUIDv7(milliseconds: 0, tail: self).description.suffix(UUIDv7.Tail.textBytes))
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    package var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
