package import Domain

/// What an access token says: who, under which login, until when.
package struct AccessToken: Hashable, Sendable {
    package let user: UserID
    package let session: SessionID
    package let role: Role
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
