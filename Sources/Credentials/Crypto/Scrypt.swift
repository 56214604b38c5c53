import CLibCrypto

/// scrypt (RFC 7914): a password hash that costs memory.
enum Scrypt {
    /// - Parameters:
    ///   - cost: the work; memory is about `128 * r * N` bytes.
    ///   - count: bytes of the key.
    /// - Returns: `nil` where OpenSSL refuses the parameters or has no memory left.
    static func key(password: [UInt8], salt: [UInt8], cost: ScryptCost, count: Int = 32) -> [UInt8]? {
        var done = false
        let key = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let result = password.withUnsafeBytes { password in
                EVP_PBE_scrypt(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self),
                    password.count,
                    salt,
                    salt.count,
                    UInt64(1) << UInt64(cost.logarithm),
                    UInt64(cost.blockSize),
                    UInt64(cost.parallelism),
                    UInt64(cost.memoryBytes) * 2,
                    buffer.baseAddress,
                    count
                )
            }
            done = result == 1
            initialized = done ? count : 0
            // OpenSSL leaves the error in the thread's queue, where an unrelated TLS call would find it.
            if !done { ERR_clear_error() }
        }
        return done ? key : nil
    }

    /// True if both keys are the same. The time that it takes does not depend on where they differ.
    static func matches(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
