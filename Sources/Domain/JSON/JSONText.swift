/// A JSON string's value: a part of the text that was read, or a copy of it if it had escapes. It is valid as long as the memory that
/// was read.
package struct JSONText {
    @usableFromInline
    let plain: UnsafeBufferPointer<UInt8>
    @usableFromInline
    let decoded: [UInt8]?

    init(plain: UnsafeBufferPointer<UInt8>) {
        self.plain = plain
        decoded = nil
    }

    package init(decoded: [UInt8]) {
        plain = UnsafeBufferPointer(start: nil, count: 0)
        self.decoded = decoded
    }

    package var bytes: [UInt8] { decoded ?? Array(plain) }

    package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    package var count: Int { decoded?.count ?? plain.count }

    package static func == (text: JSONText, literal: StaticString) -> Bool {
        text.withBytes { bytes in
            bytes.elementsEqual(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        }
    }

    @inlinable
    package static func == (text: JSONText, bytes: some Sequence<UInt8>) -> Bool {
        text.withBytes { $0.elementsEqual(bytes) }
    }

    @inlinable
    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        guard let decoded else { return body(plain) }
        return decoded.withUnsafeBufferPointer(body)
    }
}
