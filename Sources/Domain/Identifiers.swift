/// A kind of UUIDv7 that cannot be taken for another kind.
public protocol UUIDIdentifier: Hashable, Sendable, Codable, CustomStringConvertible, LosslessStringConvertible {
    var uuid: UUIDv7 { get }
    init(uuid: UUIDv7)
}

extension UUIDIdentifier {
    /// A fresh id, of this moment.
    public static func new() -> Self { Self(uuid: UUIDv7(milliseconds: UInt64(Timestamp.now().milliseconds))) }

    public var description: String { uuid.description }

    public init?(_ text: String) {
        guard let uuid = UUIDv7(text) else { return nil }
        self.init(uuid: uuid)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UUIDv7: '\(text.prefix(40))'")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

public struct UserID: UUIDIdentifier {
    public let uuid: UUIDv7
    public init(uuid: UUIDv7) { self.uuid = uuid }
}

/// One login.
public struct SessionID: UUIDIdentifier {
    public let uuid: UUIDv7
    public init(uuid: UUIDv7) { self.uuid = uuid }
}

/// The id of one redemption. Its time is that of the outbox entry that holds it: Redis's time, which never goes back there. The server
/// chooses its tail, from the request's idempotency key if there is one. So the stored id alone tells a repeated request from
/// another one, even after Redis was rebuilt from Postgres.
public struct RedemptionID: UUIDIdentifier {
    public let uuid: UUIDv7
    public init(uuid: UUIDv7) { self.uuid = uuid }

    public init(outbox id: StreamID, tail: UUIDv7.Tail) {
        uuid = UUIDv7(milliseconds: id.milliseconds, tail: tail)
    }
}

/// The name of a coupon in URLs and keys: 1 to 64 of `a-z 0-9 - _`, a letter or digit first.
public struct CouponID: Hashable, Sendable, Codable, CustomStringConvertible, LosslessStringConvertible, Comparable {
    public let description: String

    public static let rule = "1 to 64 characters of a-z, 0-9, '-' and '_', a letter or digit first"

    public init?(_ text: String) {
        guard CouponID.isValid(text.utf8) else { return nil }
        description = text
    }

    private static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        guard (1...Limits.couponIDLength).contains(bytes.count) else { return false }
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "-"), UInt8(ascii: "_"): if index == 0 { return false }
            default: return false
            }
        }
        return true
    }

    public static func < (left: CouponID, right: CouponID) -> Bool { left.description < right.description }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = CouponID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a coupon id: '\(text.prefix(80))'")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
