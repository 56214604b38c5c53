public import Domain

/// What a client exchanges for the next access token: `rt1_`, then base64url of the user's id (16 bytes), the session's id (16)
/// and 32 random bytes. The ids say in which shard to look; only the random part is secret.
public struct RefreshToken: Sendable, CustomStringConvertible {
    static let prefix = "rt1_"
    static let secretBytes = 32

    public let user: UserID
    public let session: SessionID
    private let secret: [UInt8]

    /// A fresh one.
    public init(user: UserID, session: SessionID) {
        self.user = user
        self.session = session
        secret = SecureRandom.bytes(RefreshToken.secretBytes)
    }

    /// Reads `secretText`.
    init?(_ text: String) {
        guard text.utf8.count == RefreshToken.prefix.count + 86, text.hasPrefix(RefreshToken.prefix),
            let bytes = Base64.decode(text.utf8.dropFirst(RefreshToken.prefix.count)), bytes.count == 64,
            let user = UUIDv7(bytes[0..<16]), let session = UUIDv7(bytes[16..<32])
        else { return nil }
        self.user = UserID(uuid: user)
        self.session = SessionID(uuid: session)
        secret = Array(bytes[32...])
    }

    /// What the client gets.
    public var secretText: String {
        RefreshToken.prefix + Base64.encode(user.uuid.bytes + session.uuid.bytes + secret)
    }

    /// What Redis stores: SHA-256 of the text, as 64 hexadecimal digits.
    public var digest: String { SHA256.digest(of: secretText).hex }

    public var description: String { "RefreshToken" }
}

extension UUIDv7 {
    var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    }

    /// From 16 bytes. `nil`: of another version or variant.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(milliseconds: high >> 16, tail: Tail(high: UInt16(truncatingIfNeeded: high), low: low))
        guard self.high == high, self.low == low else { return nil }
    }
}
