public import Domain

/// The token that a client exchanges for the next access token. Clients need not understand it: it is `rt1_`, then base64url of the user's
/// id (16 bytes), the session's id (16), a secret of 256 random bits, and a tag (16). The ids tell where to look. The tag proves that
/// this service issued the token; otherwise anybody could end a session by a made-up token that names it.
public struct RefreshToken: Sendable, CustomStringConvertible {
    static let prefix = "rt1_"
    static let secretBytes = 32
    static let tagBytes = 16
    static let textBytes = prefix.utf8.count + 107

    public let user: UserID
    public let session: SessionID
    let secret: [UInt8]
    /// The text that the client gets.
    public let secretText: String

    init(user: UserID, session: SessionID, secret: [UInt8], tag: [UInt8]) {
        self.user = user
        self.session = session
        self.secret = secret
        secretText = RefreshToken.prefix + Base64.encode(user.uuid.bytes + session.uuid.bytes + secret + tag)
    }

    /// The digest that Redis stores: SHA-256 of the text, as 64 hexadecimal digits.
    public var digest: String { SHA256.digest(of: secretText).hex }

    public var description: String { "RefreshToken" }
}
