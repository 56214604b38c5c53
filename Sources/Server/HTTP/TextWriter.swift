import Domain

/// Writes text into memory that must be large enough. An answer to a redemption is some twenty short pieces, and to append a
/// piece to a buffer that may grow costs more than to make the piece.
package struct TextWriter {
    private let target: UnsafeMutableRawBufferPointer
    package private(set) var count = 0

    package init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        next(bytes.count).copyMemory(from: start, byteCount: bytes.count)
    }

    mutating func write(_ uuid: UUIDv7) {
        uuid.write(to: next(UUIDv7.textBytes))
    }

    /// 16 hexadecimal digits.
    mutating func write(hex word: UInt64) {
        HexDigits.write(word, to: next(16))
    }

    /// A number that is not negative, in decimal.
    mutating func write(_ number: Int) {
        var width = 1
        var limit = 10
        while number >= limit, width < 19 {
            width += 1
            limit = width < 19 ? limit * 10 : .max
        }
        write(number, width: width)
    }

    /// The last `width` decimal digits of a number.
    mutating func write(_ number: Int, width: Int) {
        TextWriter.write(number, width: width, to: next(width))
    }

    /// Leaves room for a number that is not known yet.
    /// - Returns: the place, for `fill`.
    mutating func skip(_ width: Int) -> Int {
        _ = next(width)
        return count - width
    }

    func fill(_ place: Int, with number: Int, width: Int) {
        precondition(place + width <= count)
        TextWriter.write(number, width: width, to: target.baseAddress! + place)
    }

    private mutating func next(_ bytes: Int) -> UnsafeMutableRawPointer {
        precondition(count + bytes <= target.count, "more text than there is room for")
        defer { count += bytes }
        return target.baseAddress! + count
    }

    private static func write(_ number: Int, width: Int, to target: UnsafeMutableRawPointer) {
        var rest = UInt(number)
        for place in stride(from: width - 1, through: 0, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            target.storeBytes(of: UInt8(ascii: "0") + UInt8(digit), toByteOffset: place, as: UInt8.self)
            rest = quotient
        }
    }
}

extension String {
    /// A text of at most `capacity` bytes.
    init(capacity: Int, _ write: (inout TextWriter) -> Void) {
        self.init(unsafeUninitializedCapacity: capacity) { buffer in
            var writer = TextWriter(UnsafeMutableRawBufferPointer(buffer))
            write(&writer)
            return writer.count
        }
    }
}
