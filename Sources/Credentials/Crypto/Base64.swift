/// Base64 without padding (RFC 4648), strict both ways: a text has one value and a value one text. No padding, no white
/// space, no other alphabet's characters, no bits left over in the last character.
enum Base64 {
    enum Alphabet {
        /// `+` and `/`: the PHC string format.
        case standard
        /// `-` and `_`: tokens.
        case url
    }

    static func encode(_ bytes: some Collection<UInt8>, alphabet: Alphabet = .url) -> String {
        let count = (bytes.count * 8 + 5) / 6
        return String(unsafeUninitializedCapacity: count) { output in
            var position = 0
            var bits: UInt32 = 0
            var have = 0
            for byte in bytes {
                bits = bits << 8 | UInt32(byte)
                have += 8
                while have >= 6 {
                    have -= 6
                    output[position] = character(UInt8(truncatingIfNeeded: bits >> UInt32(have)) & 0x3F, alphabet)
                    position += 1
                }
            }
            if have > 0 {
                output[position] = character(UInt8(truncatingIfNeeded: bits << UInt32(6 - have)) & 0x3F, alphabet)
                position += 1
            }
            return position
        }
    }

    static func decode(_ text: some Collection<UInt8>, alphabet: Alphabet = .url) -> [UInt8]? {
        let capacity = text.count * 6 / 8
        var count: Int?
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { output, initialized in
            count = decode(text, into: UnsafeMutableRawBufferPointer(output), alphabet: alphabet)
            initialized = count ?? 0
        }
        return count == nil ? nil : bytes
    }

    /// Decodes into memory at hand, without an allocation. `nil` where the text is not valid or does not fit.
    static func decode(
        _ text: some Collection<UInt8>,
        into output: UnsafeMutableRawBufferPointer,
        alphabet: Alphabet = .url
    ) -> Int? {
        guard text.count % 4 != 1, text.count * 6 / 8 <= output.count else { return nil }
        let table = alphabet == .url ? urlValues : standardValues
        return table.withUnsafeBufferPointer { table in
            var position = 0
            var bits: UInt32 = 0
            var have = 0
            for character in text {
                let value = table[Int(character)]
                guard value < 64 else { return nil }
                bits = bits << 6 | UInt32(value)
                have += 6
                if have >= 8 {
                    have -= 8
                    output[position] = UInt8(truncatingIfNeeded: bits >> UInt32(have))
                    position += 1
                }
            }
            return bits & (1 << UInt32(have) - 1) == 0 ? position : nil
        }
    }

    private static let urlValues = values(.url)
    private static let standardValues = values(.standard)

    private static func values(_ alphabet: Alphabet) -> [UInt8] {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for value in 0..<UInt8(64) { values[Int(character(value, alphabet))] = value }
        return values
    }

    private static func character(_ value: UInt8, _ alphabet: Alphabet) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: alphabet == .url ? UInt8(ascii: "-") : UInt8(ascii: "+")
        default: alphabet == .url ? UInt8(ascii: "_") : UInt8(ascii: "/")
        }
    }
}
