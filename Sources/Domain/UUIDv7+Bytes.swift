/// The forms of an id in Redis: 16 bytes, and 22 characters of base64url without padding (RFC 4648, section 5), of which 8 are exactly
/// the time and 14 the tail.
extension UUIDv7 {
    public static let byteCount = 16
    /// Characters of `base64URL`.
    public static let base64URLBytes = timeBase64URLBytes + Tail.base64URLBytes
    /// Characters of the time in it: 48 bits, 6 a character.
    public static let timeBase64URLBytes = 8

    /// The 16 bytes, most significant first.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: UUIDv7.byteCount) { buffer, count in
            writeBytes(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            count = UUIDv7.byteCount
        }
    }

    /// `nil` unless they are the 16 bytes of a UUID of this version and variant.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == UUIDv7.byteCount else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        self.init(high: words.0.bigEndian, low: words.1.bigEndian)
    }

    public func writeBytes(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: high.bigEndian, as: UInt64.self)
        target.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    public var base64URL: String {
        String(unsafeUninitializedCapacity: UUIDv7.base64URLBytes) { buffer in
            let target = UnsafeMutableRawPointer(buffer.baseAddress!)
            Base64URL.write(milliseconds, characters: UUIDv7.timeBase64URLBytes, to: target)
            tail.writeBase64URL(to: target + UUIDv7.timeBase64URLBytes)
            return UUIDv7.base64URLBytes
        }
    }

    /// Parses the characters of `base64URL`. `nil` where they are not those of a UUID of this version and variant.
    public init?(base64URL text: some Collection<UInt8>) {
        guard text.count == UUIDv7.base64URLBytes,
            let milliseconds = UUIDv7.milliseconds(base64URL: text.prefix(UUIDv7.timeBase64URLBytes)),
            let tail = Tail(base64URL: text.dropFirst(UUIDv7.timeBase64URLBytes))
        else { return nil }
        self.init(milliseconds: milliseconds, tail: tail)
    }

    /// The time of the ids that begin with these 8 characters.
    public static func milliseconds(base64URL text: some Collection<UInt8>) -> UInt64? {
        text.count == timeBase64URLBytes ? Base64URL.value(of: text) : nil
    }
}

extension UUIDv7.Tail {
    /// Characters of `base64URL`: 80 bits, and four that are zero.
    public static let base64URLBytes = 14

    public var base64URL: String {
        String(unsafeUninitializedCapacity: UUIDv7.Tail.base64URLBytes) { buffer in
            writeBase64URL(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            return UUIDv7.Tail.base64URLBytes
        }
    }

    /// Writes the 14 characters.
    public func writeBase64URL(to target: UnsafeMutableRawPointer) {
        Base64URL.write(UInt64(high) << 44 | low >> 20, characters: 10, to: target)
        Base64URL.write((low & 0xF_FFFF) << 4, characters: 4, to: target + 10)
    }

    /// Parses the 14 characters of `base64URL`.
    public init?(base64URL text: some Collection<UInt8>) {
        guard text.count == UUIDv7.Tail.base64URLBytes, let first = Base64URL.value(of: text.prefix(10)),
            let last = Base64URL.value(of: text.dropFirst(10)), last & 0xF == 0
        else { return nil }
        let high = UInt16(truncatingIfNeeded: first >> 44)
        let low = first << 20 | last >> 4
        self.init(high: high, low: low)
        guard self.high == high, self.low == low else { return nil }
    }
}

/// Numbers in the alphabet of base64url, the most significant six bits first.
private enum Base64URL {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    static func write(_ value: UInt64, characters: Int, to target: UnsafeMutableRawPointer) {
        let alphabet = alphabet.utf8Start
        for place in 0..<characters {
            let digit = value >> UInt64(6 * (characters - 1 - place)) & 63
            target.storeBytes(of: alphabet[Int(digit)], toByteOffset: place, as: UInt8.self)
        }
    }

    /// The number that at most ten characters stand for. `nil`: one of them is not in the alphabet.
    static func value(of text: some Collection<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for byte in text {
            guard let digit = digit(byte) else { return nil }
            value = value << 6 | digit
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
