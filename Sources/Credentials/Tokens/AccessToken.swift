package import Domain

/// The content of an access token: the user, the session, the role, and until when it is valid.
package struct AccessToken: Hashable, Sendable {
    package let user: UserID
    package let session: SessionID
    package let role: Role
    /// Seconds of Unix time.
    let issuedAt: Int
    let expiresAt: Int

    /// The most bytes of a text; longer ones are refused unread. Our tokens have about 400 bytes.
    static let bytes = 1024
    /// Seconds by which the clock of the server that signed may be ahead of ours.
    static let leeway = 60

    package enum Failure: Error, Hashable, Sendable, CaseIterable {
        case invalid
        case expired
    }
}
