public import Domain

/// Digests hidden codes under the code key. Whoever has the database but not the key cannot try codes against it.
public struct CodeDigester: Sendable {
    private let hmac: HMACSHA256

    public init(key: ServiceKey) {
        hmac = HMACSHA256(key: key.bytes)
    }

    public func digest(of code: String) -> CodeDigest {
        digest(of: Array(code.utf8))
    }

    func digest(of code: [UInt8]) -> CodeDigest {
        guard let digest = CodeDigest(bytes: hmac.authenticate(code).bytes) else { preconditionFailure("a digest has 32 bytes") }
        return digest
    }
}
