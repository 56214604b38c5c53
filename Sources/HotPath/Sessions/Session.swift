public import Domain

/// A login to be recorded.
public struct NewSession: Sendable, Hashable {
    public let id: SessionID
    public let user: UserID
    public let role: Role
    /// The version of the user's credentials when they were checked. A revocation of all the user's sessions ends those of older versions.
    public let version: Int
    /// SHA-256 of the refresh token, 64 hexadecimal digits. The token itself is stored nowhere.
    public let refreshDigest: String
    /// The name that the client gives itself.
    public let device: String
    /// The address that the client came from.
    public let address: String

    public init(
        id: SessionID,
        user: UserID,
        role: Role,
        version: Int,
        refreshDigest: String,
        device: String = "",
        address: String = ""
    ) {
        self.id = id
        self.user = user
        self.role = role
        self.version = version
        self.refreshDigest = refreshDigest
        self.device = device
        self.address = address
    }
}

/// A login that has not ended. All moments are of Redis's clock.
public struct Session: Sendable, Hashable {
    public let id: SessionID
    public let device: String
    public let address: String
    public let created: Timestamp
    /// The moment of the last refresh, or of the login. Other requests write nothing.
    public let used: Timestamp
    /// The moment at which it ends, unless it is refreshed before.
    public let expires: Timestamp
}

/// The refresh token that a rotation puts in the place of the presented one, in the form in which Redis gets it.
public struct NextRefreshToken: Sendable, Hashable {
    /// SHA-256 of the token, 64 hexadecimal digits.
    public let digest: String
    /// The token, sealed: only the holder of the presented token can read it.
    public let sealed: String

    public init(digest: String, sealed: String) {
        self.digest = digest
        self.sealed = sealed
    }
}

public enum RefreshReply: Sendable, Hashable {
    /// The refresh token was rotated: the next one is the current one now.
    case rotated(Role)
    /// The presented token was rotated within the grace. `sealed` is the token that took its place.
    case repeated(Role, sealed: String)
    case sessionNotFound
    /// The presented token was rotated longer ago, so it was stolen from somebody. The session is deleted.
    case reused
}
