/// A coupon as Postgres has it.
public struct Coupon: Hashable, Sendable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case active
        case paused
    }

    public let id: CouponID
    public let name: String
    public let codeDigest: CodeDigest
    /// Credit that one redemption costs.
    public let price: Int
    /// The number of times that it can be redeemed in all.
    public let total: Int
    /// Redemptions in Postgres. Those still in the outbox are not counted.
    public let redeemed: Int
    /// The first moment of the sale; `nil`: from the beginning of time.
    public let startsAt: Timestamp?
    /// The first moment after the sale; `nil`: no end.
    public let endsAt: Timestamp?
    public let state: State
    /// Grows with each change by an operator.
    public let version: Int

    public init(
        id: CouponID,
        name: String,
        codeDigest: CodeDigest,
        price: Int,
        total: Int,
        redeemed: Int = 0,
        startsAt: Timestamp? = nil,
        endsAt: Timestamp? = nil,
        state: State = .active,
        version: Int = 1
    ) {
        self.id = id
        self.name = name
        self.codeDigest = codeDigest
        self.price = price
        self.total = total
        self.redeemed = redeemed
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.state = state
        self.version = version
    }
}

/// HMAC-SHA-256 of a hidden code under the code key. The code itself is stored nowhere.
public struct CodeDigest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes as four numbers, the most significant byte first. They need no allocation, since each redemption has a digest.
    private let first, second, third, fourth: UInt64

    /// `nil` unless there are 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        first = words.0.bigEndian
        second = words.1.bigEndian
        third = words.2.bigEndian
        fourth = words.3.bigEndian
    }

    public var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
    }

    /// Parses 64 hexadecimal digits.
    public init?(hex: String) {
        let digits = hex.utf8.compactMap(\.hexValue)
        guard digits.count == 64, hex.utf8.count == 64 else { return nil }
        self.init(bytes: stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// The number of digits in `hex`.
    public static let hexDigits = 64

    /// 64 lower-case hexadecimal digits: the form in Redis and in the control log.
    public var hex: String {
        String(unsafeUninitializedCapacity: CodeDigest.hexDigits) { buffer in
            writeHex(to: UnsafeMutableRawPointer(buffer.baseAddress!))
            return CodeDigest.hexDigits
        }
    }

    /// Writes the 64 digits of `hex`.
    public func writeHex(to target: UnsafeMutableRawPointer) {
        HexDigits.write(first, to: target)
        HexDigits.write(second, to: target + 16)
        HexDigits.write(third, to: target + 32)
        HexDigits.write(fourth, to: target + 48)
    }

    /// Shows nothing of the digest, which must stay out of logs.
    public var description: String { "CodeDigest" }
}
