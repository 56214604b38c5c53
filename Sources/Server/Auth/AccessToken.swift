public import Domain

/// What an access token says: who, under which login, until when.
package struct AccessToken: Hashable, Sendable {
    package let user: UserID
    package let session: SessionID
    let role: Role
    /// Seconds of Unix time.
    let issuedAt: Int
    let expiresAt: Int

    /// Longer texts are refused unread. Ours have about 400 bytes.
    static let bytes = 1024
    /// Seconds by which another server's clock may be ahead of ours.
    static let leeway = 60

    package enum Failure: Error, Hashable, Sendable, CaseIterable {
        case invalid
        case expired
    }
}

/// Who makes the tokens and whom they are for: the claims `iss` and `aud` (RFC 9068, section 2.2). Other services that verify with
/// the same key would be told apart by them.
public struct TokenParties: Sendable, Hashable {
    public let issuer: String
    public let audience: String

    public static let rule = "1 to 100 characters of ASCII without spaces, quotes and backslashes"
    public static let standard = TokenParties(issuer: "redeem", audience: "redeem")!

    /// `nil` where one of them is not as `rule` says.
    public init?(issuer: String, audience: String) {
        guard TokenParties.isValid(issuer), TokenParties.isValid(audience) else { return nil }
        self.issuer = issuer
        self.audience = audience
    }

    /// What needs no escape in JSON.
    private static func isValid(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}

/// Makes access tokens: JWS with HS256 (RFC 7515, RFC 7519).
public struct AccessTokenSigner: Sendable {
    private let keys: TokenKeys
    private let parties: TokenParties
    /// How long a token is valid, in whole seconds.
    public let lifetimeSeconds: Int

    public init(keys: TokenKeys, parties: TokenParties = .standard, lifetimeSeconds: Int = 300) {
        precondition(lifetimeSeconds > 0)
        self.keys = keys
        self.parties = parties
        self.lifetimeSeconds = lifetimeSeconds
    }

    public func sign(user: UserID, session: SessionID, role: Role, now: Timestamp = .now()) -> String {
        let issuedAt = Int(now.milliseconds / 1000)
        let token = AccessToken(
            user: user,
            session: session,
            role: role,
            issuedAt: issuedAt,
            expiresAt: issuedAt + lifetimeSeconds
        )
        return sign(token)
    }

    func sign(_ token: AccessToken) -> String {
        let payload =
            #"{"iss":"\#(parties.issuer)","aud":"\#(parties.audience)","sub":"\#(token.user)","sid":"\#(token.session)","#
            + #""role":"\#(token.role.rawValue)","iat":\#(token.issuedAt),"exp":\#(token.expiresAt)}"#
        let key = keys.signing
        return seal(String(decoding: key.header, as: UTF8.self) + Base64.encode(payload.utf8), with: key)
    }

    /// Puts the signature behind whatever it is given.
    func seal(_ signed: String, with key: TokenKey) -> String {
        var signed = signed
        let signature = signed.withUTF8 { key.hmac.authenticate(UnsafeRawBufferPointer($0)) }
        return signed + "." + Base64.encode(signature.bytes)
    }
}
