public import Domain

/// Digests hidden codes under the code key, so that somebody who has the database but not the key cannot try codes against it. A code's
/// normal form is digested, so it does not matter which keyboard the code was typed on.
public struct CodeDigester: Sendable {
    private let hmac: HMACSHA256
    /// The key's id, as Postgres records it.
    public let keyID: String

    public init(key: ServiceKey) {
        keyID = key.codeKeyID
        hmac = HMACSHA256(key: key.bytes)
    }

    public func digest(of code: String) -> CodeDigest {
        var code = NormalForm.of(code)
        return code.withUTF8 { digest(ofNormal: UnsafeRawBufferPointer($0)) }
    }

    package func digest(ofNormal code: UnsafeRawBufferPointer) -> CodeDigest {
        guard let digest = hmac.authenticate(code).withUnsafeBytes({ CodeDigest(bytes: $0) }) else {
            preconditionFailure("a digest has 32 bytes")
        }
        return digest
    }
}
