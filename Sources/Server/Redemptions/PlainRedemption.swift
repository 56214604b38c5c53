import Domain

/// A redemption as most clients send it: the whole request is in the bytes at hand, and its head only has to be read. To read it
/// here costs a fifth of what NIO's decoder and its array of header fields cost.
///
/// All other requests are left to that decoder. This reader never refuses and never guesses, and it must never see the end of a
/// request where the decoder would see another. So every byte of the head is checked, and a field that has to do with where a
/// request ends is either understood or makes the request not plain (RFC 9112, sections 6 and 11.2).
package struct PlainRedemption {
    /// Bytes of the whole request.
    package let length: Int
    private let bytes: UnsafeBufferPointer<UInt8>
    private let couponPlace: Range<Int>
    private let bodyStart: Int
    private var fields = RedemptionFields()

    var coupon: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[couponPlace]) }

    var text: RedemptionText {
        RedemptionText(
            fields: fields,
            body: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[bodyStart..<length])),
            bytes: bytes
        )
    }

    /// `nil`: the bytes do not begin with a plain redemption.
    /// - Parameter memory: the bytes, which must outlive this.
    package init?(_ memory: UnsafeRawBufferPointer, limits: ServerLimits) {
        bytes = memory.bindMemory(to: UInt8.self)
        var scanner = Scanner(bytes: bytes)
        guard scanner.skip("POST /v1/coupons/") else { return nil }
        couponPlace = scanner.run(of: .coupon)
        guard !couponPlace.isEmpty, scanner.skip("/redemptions HTTP/1.1\r\n") else { return nil }

        var framing = Framing()
        var count = 0
        while !scanner.skip("\r\n") {
            count += 1
            let name = scanner.run(of: .token)
            guard !name.isEmpty, count <= limits.headerFields, scanner.skip(":") else { return nil }
            _ = scanner.run(of: .space)
            var value = scanner.run(of: .text)
            // Blanks on both sides are not part of a value (RFC 9112, section 5.1).
            while let last = value.last, Scanner.isSpace(bytes[last]) { value = value.lowerBound..<last }
            guard scanner.skip("\r\n") else { return nil }
            if let field = RedemptionFields.Name(UnsafeBufferPointer(rebasing: bytes[name])) {
                fields.add(field, at: value)
            } else {
                guard framing.take(name, value, in: bytes) else { return nil }
            }
        }
        // A request with a repeated field is left to the decoder.
        guard !fields.haveRepeated, framing.hasHost, let bodyBytes = framing.contentLength, bodyBytes <= limits.bodyBytes,
            scanner.offset <= limits.headerBytes,
            bodyBytes <= bytes.count - scanner.offset
        else { return nil }
        bodyStart = scanner.offset
        length = bodyStart + bodyBytes
    }
}

/// The header fields that have to do with where a request ends, with the connection, or with the host that is meant.
private struct Framing {
    private(set) var contentLength: Int?
    private(set) var hasHost = false

    /// - Returns: true if the request may still be plain.
    mutating func take(_ name: Range<Int>, _ value: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        func isName(_ text: StaticString) -> Bool { text.matches(UnsafeBufferPointer(rebasing: bytes[name])) }
        func isValue(_ text: StaticString) -> Bool { text.matches(UnsafeBufferPointer(rebasing: bytes[value])) }
        // The length tells most names apart.
        switch name.count {
        case 2: return !isName("te")
        case 4: return !isName("host") || takeHost(UnsafeBufferPointer(rebasing: bytes[value]))
        case 6: return !isName("expect")
        case 7: return !isName("upgrade") && !isName("trailer")
        case 10: return !isName("connection") || isValue("keep-alive")
        case 14: return !isName("content-length") || takeLength(value, in: bytes)
        case 16: return !isName("proxy-connection")
        case 17: return !isName("transfer-encoding")
        default: return true
        }
    }

    /// A length with a blank behind it is left to the decoder, which refuses a tab there. So is a length that is there twice.
    private mutating func takeLength(_ value: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard contentLength == nil, bytes[value.upperBound] == UInt8(ascii: "\r") else { return false }
        contentLength = Scanner.number(value, in: bytes)
        return contentLength != nil
    }

    private mutating func takeHost(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !hasHost, HostField.isValid(value) else { return false }
        hasHost = true
        return true
    }
}

/// Reads a head from its beginning to its end.
private struct Scanner {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var offset = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// Skips a text.
    /// - Returns: true if it was next.
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - offset >= count else { return false }
        for index in 0..<count where bytes[offset + index] != text.utf8Start[index] { return false }
        offset += count
        return true
    }

    /// Skips all bytes of a kind.
    /// - Returns: their place.
    mutating func run(of kind: Kind) -> Range<Int> {
        let start = offset
        Scanner.kinds.withUnsafeBufferPointer { kinds in
            while offset < bytes.count, kinds[Int(bytes[offset])] & kind.rawValue != 0 { offset += 1 }
        }
        return start..<offset
    }

    enum Kind: UInt8 {
        /// A byte of a field's name (RFC 9110, section 5.6.2).
        case token = 1
        /// A byte of a field's value: visible ASCII, space and tab.
        case text = 2
        /// A byte of a coupon's id.
        case coupon = 4
        case space = 8
    }

    private static let kinds = (UInt8.min...UInt8.max).map { byte -> UInt8 in
        let isLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        let isLetter = isLower || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        let isToken = isLetter || isDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        let isCoupon = isLower || isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        let kinds: [(Kind, Bool)] = [
            (.token, isToken), (.text, (0x20...0x7E).contains(byte) || isSpace(byte)), (.coupon, isCoupon),
            (.space, isSpace(byte)),
        ]
        return kinds.filter(\.1).map(\.0.rawValue).reduce(0, |)
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// A number of one to nine digits and nothing else.
    static func number(_ place: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard (1...9).contains(place.count) else { return nil }
        var number = 0
        for byte in bytes[place] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }
}
