public import Domain

/// Issues refresh tokens, and reads them again. `refresh_session.lua` rotates them.
///
/// A token is sealed under the one before it: its secret is combined, by exclusive or, with a pad that only the older token yields. So
/// Redis can keep the successor for a client that lost the answer and presents the older token again, and the seal is worth nothing by
/// itself. A pad is used once, since only one of the successors that are proposed for a token is stored.
public struct RefreshTokens: Sendable {
    private static let keyLabel = Array("redeem refresh token tag".utf8)
    private static let padLabel = Array("redeem refresh token successor".utf8)

    private let hmac: HMACSHA256

    /// - Parameter key: a key that stays. With the key of the access tokens, replacing that would end all sessions. The key for refresh
    ///   tokens is derived from it.
    public init(key: ServiceKey) {
        hmac = HMACSHA256(key: HMACSHA256(key: key.bytes).authenticate(RefreshTokens.keyLabel).bytes)
    }

    /// Issues the first refresh token of a session.
    public func issue(user: UserID, session: SessionID) -> RefreshToken {
        token(user: user, session: session, secret: SecureRandom.bytes(RefreshToken.secretBytes))
    }

    /// Reads the text of a token; `nil`: this service did not issue it.
    package func read(_ text: String) -> RefreshToken? {
        guard text.utf8.count == RefreshToken.textBytes, text.hasPrefix(RefreshToken.prefix),
            let bytes = Base64.decode(text.utf8.dropFirst(RefreshToken.prefix.utf8.count)),
            let user = UUIDv7(bytes: bytes[0..<16]), let session = UUIDv7(bytes: bytes[16..<32])
        else { return nil }
        let token = token(user: UserID(uuid: user), session: SessionID(uuid: session), secret: Array(bytes[32..<64]))
        return SHA256.digest(of: token.secretText).matches(SHA256.digest(of: text)) ? token : nil
    }

    /// Makes a successor for a token, and its seal, which Redis keeps beside its digest.
    package func successor(of presented: RefreshToken) -> (token: RefreshToken, sealed: String) {
        let next = issue(user: presented.user, session: presented.session)
        return (next, Base64.encode(combine(next.secret, presented)))
    }

    /// Opens a seal: returns the token that took the place of `presented`. `nil`: the text is not a seal.
    package func open(_ sealed: String, with presented: RefreshToken) -> RefreshToken? {
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
