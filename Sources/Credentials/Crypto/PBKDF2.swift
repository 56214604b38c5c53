import CLibCrypto

/// PBKDF2 (RFC 8018, section 5.2) with HMAC. It costs time and no memory, so no hash of ours is made with it; those of other
/// programs are checked with it.
enum PBKDF2 {
    /// The hash functions, by the names of Python's `hashlib`.
    enum Hash: String, Sendable, CaseIterable {
        case sha1
        case sha224
        case sha256
        case sha384
        case sha512

        /// Bytes of the digest.
        var byteCount: Int {
            switch self {
            case .sha1: 20
            case .sha224: 28
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }

        fileprivate var algorithm: OpaquePointer {
            switch self {
            case .sha1: EVP_sha1()
            case .sha224: EVP_sha224()
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        }
    }

    /// Derives a key as long as the hash's digest. `nil`: OpenSSL refuses, as it does short salts in FIPS mode.
    static func key(password: [UInt8], salt: [UInt8], iterations: Int, hash: Hash) -> [UInt8]? {
        var done = false
        let key = [UInt8](unsafeUninitializedCapacity: hash.byteCount) { buffer, initialized in
            let result = password.withUnsafeBytes { password in
                PKCS5_PBKDF2_HMAC(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self),
                    Int32(password.count),
                    salt,
                    Int32(salt.count),
                    Int32(iterations),
                    hash.algorithm,
                    Int32(hash.byteCount),
                    buffer.baseAddress
                )
            }
            done = result == 1
            initialized = done ? hash.byteCount : 0
            // OpenSSL leaves the error in the thread's queue, where an unrelated TLS call would find it.
            if !done { ERR_clear_error() }
        }
        return done ? key : nil
    }
}
