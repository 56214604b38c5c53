public import Domain
package import HotPath

/// What a client exchanges for the next access token. Opaque to it: `rt1_`, then base64url of the user's id (16 bytes), the
/// session's id (16), a secret of 256 random bits, and a tag (16). The ids say where to look; the tag tells a token that was ours
/// once from one that somebody made up, who could otherwise end a session by naming it.
public struct RefreshToken: Sendable, CustomStringConvertible {
    static let prefix = "rt1_"
    static let secretBytes = 32
    static let tagBytes = 16
    static let textBytes = prefix.utf8.count + 107

    public let user: UserID
    public let session: SessionID
    fileprivate let secret: [UInt8]
    /// What the client gets.
    public let secretText: String

    fileprivate init(user: UserID, session: SessionID, secret: [UInt8], tag: [UInt8]) {
        self.user = user
        self.session = session
        self.secret = secret
        secretText = RefreshToken.prefix + Base64.encode(user.uuid.bytes + session.uuid.bytes + secret + tag)
    }

    /// What Redis stores: SHA-256 of the text, as 64 hexadecimal digits.
    public var digest: String { SHA256.digest(of: secretText).hex }

    public var description: String { "RefreshToken" }
}

/// Makes refresh tokens and knows them again.
///
/// A token is sealed under the one that it takes the place of: its secret, combined by exclusive or with a pad that only the older
/// token yields. So Redis can keep the successor for a client that lost the answer and comes again with the older token, and yet
/// holds nothing that is worth anything by itself. A pad is used once: of all successors proposed for a token one is stored.
public struct RefreshTokens: Sendable {
    private static let keyLabel = Array("redeem refresh token tag".utf8)
    private static let padLabel = Array("redeem refresh token successor".utf8)

    private let hmac: HMACSHA256

    /// - Parameter key: one that stays: were it the key of the access tokens, then a new one would end all logins. A key of its own
    ///   is derived from it.
    public init(key: ServiceKey) {
        hmac = HMACSHA256(key: HMACSHA256(key: key.bytes).authenticate(RefreshTokens.keyLabel).bytes)
    }

    /// The first one of a session.
    public func issue(user: UserID, session: SessionID) -> RefreshToken {
        token(user: user, session: session, secret: SecureRandom.bytes(RefreshToken.secretBytes))
    }

    /// `nil`: not one of ours.
    package func read(_ text: String) -> RefreshToken? {
        guard text.utf8.count == RefreshToken.textBytes, text.hasPrefix(RefreshToken.prefix),
            let bytes = Base64.decode(text.utf8.dropFirst(RefreshToken.prefix.utf8.count)),
            let user = UUIDv7(bytes[0..<16]), let session = UUIDv7(bytes[16..<32])
        else { return nil }
        let token = token(user: UserID(uuid: user), session: SessionID(uuid: session), secret: Array(bytes[32..<64]))
        return SHA256.digest(of: token.secretText).matches(SHA256.digest(of: text)) ? token : nil
    }

    /// A successor for a token, and what Redis is to know of it.
    package func successor(of presented: RefreshToken) -> (token: RefreshToken, stored: NextRefreshToken) {
        let next = issue(user: presented.user, session: presented.session)
        return (next, NextRefreshToken(digest: next.digest, sealed: Base64.encode(combine(next.secret, presented))))
    }

    /// The token that took the place of `presented`. `nil`: the text is not a seal.
    func open(_ sealed: String, with presented: RefreshToken) -> RefreshToken? {
        guard let bytes = Base64.decode(sealed.utf8), bytes.count == RefreshToken.secretBytes else { return nil }
        return token(user: presented.user, session: presented.session, secret: combine(bytes, presented))
    }

    private func token(user: UserID, session: SessionID, secret: [UInt8]) -> RefreshToken {
        let tag = hmac.authenticate(user.uuid.bytes + session.uuid.bytes + secret).bytes.prefix(RefreshToken.tagBytes)
        return RefreshToken(user: user, session: session, secret: secret, tag: Array(tag))
    }

    private func combine(_ bytes: [UInt8], _ older: RefreshToken) -> [UInt8] {
        zip(bytes, HMACSHA256(key: older.secret).authenticate(RefreshTokens.padLabel).bytes).map(^)
    }
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
