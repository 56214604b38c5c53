/// A value that may be an element of an array parameter.
public protocol PostgresArrayElement: PostgresValue {
    static var postgresArrayType: PostgresType { get }
}

extension Int: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .int8Array }
}

extension String: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .textArray }
}

/// An array has one dimension and no NULLs. It is only written, never read.
extension Array: PostgresValue where Element: PostgresArrayElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }

    public func write(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(Int32(isEmpty ? 0 : 1))  // dimensions
        bytes.appendBigEndian(Int32(0))  // no NULLs
        bytes.appendBigEndian(Element.postgresType.rawValue)
        guard !isEmpty else { return }
        bytes.appendBigEndian(Int32(count))
        bytes.appendBigEndian(Int32(1))  // the lower bound
        for element in self { bytes.appendField(element) }
    }

    public init?(postgres bytes: UnsafeRawBufferPointer, type: PostgresType) { nil }
}

extension [UInt8] {
    /// Appends a value in the form of array elements and COPY fields: a length of four bytes (−1: NULL), then the value.
    mutating func appendField(_ value: some PostgresValue) {
        guard !value.isNull else {
            appendBigEndian(Int32(-1))
            return
        }
        let start = count
        appendBigEndian(Int32(0))
        value.write(to: &self)
        let length = UInt32(count - start - 4)
        for index in 0..<4 { self[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
    }
}
