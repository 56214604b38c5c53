public import Domain

/// What an access token says: who, under which login, until when.
struct AccessToken: Hashable, Sendable {
    let user: UserID
    let session: SessionID
    let role: Role
    /// Seconds of Unix time.
    let issuedAt: Int
    let expiresAt: Int

    /// Longer texts are refused unread. Ours have about 330 bytes.
    static let bytes = 1024
    /// Seconds by which another server's clock may be ahead of ours.
    static let leeway = 60

    /// The only header there is (RFC 9068: `at+jwt`). A token with another header, however it is meant, is not one of ours, so
    /// no token can choose its algorithm (RFC 8725, section 3.1).
    static let header = Base64.encode(Array(#"{"alg":"HS256","typ":"at+jwt"}"#.utf8)) + "."

    enum Failure: Error, Hashable, Sendable, CaseIterable {
        case invalid
        case expired
    }
}

/// Makes access tokens: JWS with HS256 (RFC 7515, RFC 7519).
public struct AccessTokenSigner: Sendable {
    private let hmac: HMACSHA256
    /// How long a token is valid, in whole seconds.
    public let lifetimeSeconds: Int

    public init(key: ServiceKey, lifetimeSeconds: Int = 300) {
        precondition(lifetimeSeconds > 0)
        hmac = HMACSHA256(key: key.bytes)
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
            #"{"sub":"\#(token.user)","sid":"\#(token.session)","role":"\#(token.role.rawValue)","#
            + #""iat":\#(token.issuedAt),"exp":\#(token.expiresAt)}"#
        return seal(AccessToken.header + Base64.encode(payload.utf8))
    }

    /// Puts the signature behind whatever it is given.
    func seal(_ signed: String) -> String {
        var signed = signed
        let signature = signed.withUTF8 { hmac.authenticate(UnsafeRawBufferPointer($0)) }
        return signed + "." + Base64.encode(signature.bytes)
    }
}
