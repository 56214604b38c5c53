/// Lower-case hexadecimal digits, eight at a time and without an allocation: each redemption has some two hundred of them.
public enum HexDigits {
    /// The eight digits of a word, in the order in which memory has them: the first digit in the lowest byte.
    @inlinable
    public static func of(_ word: UInt32) -> UInt64 {
        // One nibble a byte, the highest first.
        var nibbles = UInt64(word.byteSwapped)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles >> 4 & 0x000F_000F_000F_000F) | (nibbles & 0x000F_000F_000F_000F) << 8
        // 1 in each byte that is ten or more: that byte becomes a letter, which stands 39 places behind a digit in ASCII.
        let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles + 0x3030_3030_3030_3030 + letters * 39
    }

    /// Writes 16 digits.
    @inlinable
    public static func write(_ word: UInt64, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: of(UInt32(truncatingIfNeeded: word >> 32)).littleEndian, as: UInt64.self)
        target.storeBytes(of: of(UInt32(truncatingIfNeeded: word)).littleEndian, toByteOffset: 8, as: UInt64.self)
    }
}
