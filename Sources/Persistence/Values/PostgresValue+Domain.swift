public import Domain
public import PostgresClient

extension UUIDv7: PostgresValue {
    public static var postgresType: PostgresType { .uuid }
    public func write(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
    }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard type == .uuid, bytes.count == 16 else { return nil }
        let high = UInt64(bigEndianBytes: UnsafeRawBufferPointer(rebasing: bytes[..<8]))
        let low = UInt64(bigEndianBytes: UnsafeRawBufferPointer(rebasing: bytes[8...]))
        self.init(milliseconds: high >> 16, tail: Tail(high: UInt16(truncatingIfNeeded: high), low: low))
        // Tail forces version and variant: another kind of UUID would come out as another id than the stored one.
        guard self.high == high, self.low == low else { return nil }
    }
}

extension Timestamp: PostgresValue {
    /// Unix time of 2000-01-01, from which Postgres counts, in milliseconds.
    private static let postgresZero: Int64 = 946_684_800_000

    public static var postgresType: PostgresType { .timestamptz }
    public func write(to bytes: inout [UInt8]) {
        // A moment that does not fit is also outside of Postgres's calendar, and Postgres answers 22008.
        let (value, overflow) = (milliseconds - Timestamp.postgresZero).multipliedReportingOverflow(by: 1000)
        bytes.appendBigEndian(overflow ? (milliseconds < 0 ? Int64.min + 1 : Int64.max - 1) : value)
    }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard type == .timestamptz, bytes.count == 8 else { return nil }
        let microseconds = Int64(bigEndianBytes: bytes)
        // Rounded down, not toward zero, so that moments keep their order.
        let milliseconds = microseconds / 1000 - (microseconds % 1000 < 0 ? 1 : 0)
        self.init(milliseconds: milliseconds + Timestamp.postgresZero)
    }
}

extension PostgresValue where Self: UUIDIdentifier {
    public static var postgresType: PostgresType { .uuid }
    public func write(to bytes: inout [UInt8]) { uuid.write(to: &bytes) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let uuid = UUIDv7(postgres: bytes, type: type) else { return nil }
        self.init(uuid: uuid)
    }
}

extension UserID: PostgresValue {}
extension SessionID: PostgresValue {}
extension RedemptionID: PostgresValue {}

extension PostgresValue where Self: LosslessStringConvertible {
    public static var postgresType: PostgresType { .text }
    public func write(to bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let text = String(postgres: bytes, type: type) else { return nil }
        self.init(text)
    }
}

extension CouponID: PostgresValue {}
extension StreamID: PostgresValue {}

extension PostgresValue where Self: RawRepresentable, RawValue == String {
    public static var postgresType: PostgresType { .text }
    public func write(to bytes: inout [UInt8]) { rawValue.write(to: &bytes) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let text = String(postgres: bytes, type: type) else { return nil }
        self.init(rawValue: text)
    }
}

extension Role: PostgresValue {}
extension Coupon.State: PostgresValue {}
extension ControlChange.Kind: PostgresValue {}

extension CodeDigest: PostgresValue {
    public static var postgresType: PostgresType { .bytea }
    public func write(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard type == .bytea else { return nil }
        self.init(bytes: Array(bytes))
    }
}

extension Epoch: PostgresValue {
    public static var postgresType: PostgresType { .int8 }
    public func write(to bytes: inout [UInt8]) { number.write(to: &bytes) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let number = Int(postgres: bytes, type: type) else { return nil }
        self.init(number)
    }
}

extension Shard: PostgresValue {
    public static var postgresType: PostgresType { .int4 }
    public func write(to bytes: inout [UInt8]) { bytes.appendBigEndian(Int32(index)) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let index = Int(postgres: bytes, type: type), index >= 0 else { return nil }
        self.init(index: index)
    }
}
