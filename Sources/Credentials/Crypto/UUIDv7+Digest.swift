public import Domain

extension UUIDv7.Tail {
    /// A tail of the first bits of the text's SHA-256, so the same text has the same tail. Callers must not have one text for two things.
    public init(digestOf text: String) {
        var text = text
        self = text.withUTF8 { UUIDv7.Tail(digestOf: UnsafeRawBufferPointer($0)) }
    }

    package init(digestOf text: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(text)
        self = hash.finish().withUnsafeBytes { bytes in
            UUIDv7.Tail(
                high: UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            )
        }
    }
}
