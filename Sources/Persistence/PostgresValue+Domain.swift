public import Domain

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
