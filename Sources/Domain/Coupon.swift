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
    /// How often it can be redeemed in all.
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
    /// 32 bytes.
    public let bytes: [UInt8]

    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Parses 64 hexadecimal digits.
    public init?(hex: String) {
        let digits = hex.utf8.compactMap(\.hexValue)
        guard digits.count == 64, hex.utf8.count == 64 else { return nil }
        self.init(bytes: stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// 64 lower-case hexadecimal digits: the form in Redis and in the control log.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    /// Tells nothing: digests stay out of logs.
    public var description: String { "CodeDigest" }
}
