/// The object id of a type in `pg_type`; those of built-in types never change.
public struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let bool = PostgresType(rawValue: 16)
    public static let bytea = PostgresType(rawValue: 17)
    public static let int8 = PostgresType(rawValue: 20)
    public static let int2 = PostgresType(rawValue: 21)
    public static let int4 = PostgresType(rawValue: 23)
    public static let text = PostgresType(rawValue: 25)
    public static let varchar = PostgresType(rawValue: 1043)
    public static let name = PostgresType(rawValue: 19)
    public static let timestamptz = PostgresType(rawValue: 1184)
    public static let uuid = PostgresType(rawValue: 2950)
    public static let textArray = PostgresType(rawValue: 1009)
    public static let int8Array = PostgresType(rawValue: 1016)
    public static let uuidArray = PostgresType(rawValue: 2951)

    public var description: String { "type \(rawValue)" }
}

/// A value in Postgres's binary format: a parameter, a field of COPY, a column of a result.
public protocol PostgresValue: Sendable {
    /// The type that a parameter is sent as.
    static var postgresType: PostgresType { get }
    /// The value of this type that stands for NULL; `nil`: there is no such value.
    static var null: Self? { get }
    var isNull: Bool { get }
    /// Appends the binary form. Not called for NULL.
    func write(to bytes: inout [UInt8])
    /// `nil` where the bytes or the type do not fit.
    init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType)
}

extension PostgresValue {
    public static var null: Self? { nil }
    public var isNull: Bool { false }
    var postgresType: PostgresType { Self.postgresType }
}

extension Optional: PostgresValue where Wrapped: PostgresValue {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public static var null: Wrapped?? { .some(nil) }
    public var isNull: Bool { self == nil }
    public func write(to bytes: inout [UInt8]) { self?.write(to: &bytes) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard let value = Wrapped(postgres: bytes, type: type) else { return nil }
        self = value
    }
}

extension Int: PostgresValue {
    public static var postgresType: PostgresType { .int8 }
    public func write(to bytes: inout [UInt8]) { bytes.appendBigEndian(Int64(self)) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        switch (type, bytes.count) {
        case (.int8, 8): self = Int(Int64(bigEndianBytes: bytes))
        case (.int4, 4): self = Int(Int32(bigEndianBytes: bytes))
        case (.int2, 2): self = Int(Int16(bigEndianBytes: bytes))
        default: return nil
        }
    }
}

extension Bool: PostgresValue {
    public static var postgresType: PostgresType { .bool }
    public func write(to bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        guard type == .bool, bytes.count == 1 else { return nil }
        self = bytes[0] != 0
    }
}

extension String: PostgresValue {
    public static var postgresType: PostgresType { .text }
    public func write(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) {
        switch type {
        case .text, .varchar, .name: self = String(decoding: bytes, as: UTF8.self)
        default: return nil
        }
    }
}

extension [UInt8] {
    package mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension FixedWidthInteger {
    package init(bigEndianBytes bytes: UnsafeRawBufferPointer) {
        self = Self(bigEndian: bytes.loadUnaligned(as: Self.self))
    }
}
