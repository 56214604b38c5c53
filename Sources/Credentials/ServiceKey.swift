/// A secret of the service: a key that signs access tokens, or the key that digests hidden codes. Printing it shows nothing of it.
public struct ServiceKey: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// RFC 7518, section 3.2: a key for HS256 has at least the size of the hash.
    public static let leastBytes = 32

    let bytes: [UInt8]

    /// - Parameter text: base64url without padding, of at least `leastBytes` bytes.
    public init?(_ text: String) {
        guard let bytes = Base64.decode(text.utf8) else { return nil }
        self.init(bytes: bytes)
    }

    public init?(bytes: [UInt8]) {
        guard bytes.count >= ServiceKey.leastBytes else { return nil }
        self.bytes = bytes
    }

    public static func random() -> ServiceKey {
        ServiceKey(unchecked: SecureRandom.bytes(leastBytes))
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The id of the key as the code key; `TokenKeys.ids` has those of token keys. The label has a control character, which a hidden code
    /// cannot have, so the id is not the digest of a code.
    public var codeKeyID: String { HMACSHA256(key: bytes).id("\u{0}redeem code key") }

    /// The text that `init(_:)` reads. Write it only where secrets are kept.
    public var secretText: String { Base64.encode(bytes) }

    public var description: String { "ServiceKey" }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
