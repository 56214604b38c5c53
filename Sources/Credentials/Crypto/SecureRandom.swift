import CLibCrypto

/// Random bytes that nobody can guess, from OpenSSL's generator.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            // It fails only where the system has no entropy source; a service that went on would hand out guessable tokens.
            guard RAND_bytes(buffer.baseAddress, Int32(count)) == 1 else { preconditionFailure("RAND_bytes failed") }
            initialized = count
        }
    }
}
