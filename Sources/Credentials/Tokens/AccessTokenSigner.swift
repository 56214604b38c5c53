public import Domain

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

    /// Appends the signature to `signed`.
    func seal(_ signed: String, with key: TokenKey) -> String {
        var signed = signed
        let signature = signed.withUTF8 { key.hmac.authenticate(UnsafeRawBufferPointer($0)) }
        return signed + "." + Base64.encode(signature.bytes)
    }
}
