import CLibCrypto
import Domain

/// SHA-256 (FIPS 180-4) of bytes at hand. A value: it is copied, not shared.
package struct SHA256 {
    static let byteCount = 32
    static let blockBytes = 64

    private var state: SHA256_CTX

    init() {
        state = SHA256_CTX()
        SHA256_Init(&state)
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(&state, bytes.baseAddress, bytes.count)
    }

    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Ends the digest; the value must not be used afterwards.
    mutating func finish() -> Digest32 {
        var digest = Digest32()
        digest.withUnsafeMutableBytes { output in
            _ = SHA256_Final(output.baseAddress?.assumingMemoryBound(to: UInt8.self), &state)
        }
        return digest
    }

    static func digest(of bytes: [UInt8]) -> Digest32 {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    package static func digest(of text: String) -> Digest32 {
        var hash = SHA256()
        var text = text
        text.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
        return hash.finish()
    }
}

/// 32 bytes without an allocation: a SHA-256 digest or an HMAC under it. It has no `==` on purpose; see `matches`.
package struct Digest32: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    mutating func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeMutableBytes(of: &words, body)
    }

    var bytes: [UInt8] { withUnsafeBytes(Array.init) }

    /// True if both are the same. The time that it takes does not depend on where they differ.
    func matches(_ other: Digest32) -> Bool {
        withUnsafeBytes { left in
            other.withUnsafeBytes { right in CRYPTO_memcmp(left.baseAddress, right.baseAddress, SHA256.byteCount) == 0 }
        }
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String {
        String(unsafeUninitializedCapacity: 64) { buffer in
            let target = UnsafeMutableRawPointer(buffer.baseAddress!)
            HexDigits.write(words.0.bigEndian, to: target)
            HexDigits.write(words.1.bigEndian, to: target + 16)
            HexDigits.write(words.2.bigEndian, to: target + 32)
            HexDigits.write(words.3.bigEndian, to: target + 48)
            return 64
        }
    }
}
