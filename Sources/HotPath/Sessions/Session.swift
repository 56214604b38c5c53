public import Domain

/// A login to be recorded.
public struct NewSession: Sendable, Hashable {
    public let id: SessionID
    public let user: UserID
    public let role: Role
    /// Of the user's credentials when they were checked. A revocation of all the user's sessions ends those of older versions.
    public let version: Int
    /// SHA-256 of the refresh token, 64 hexadecimal digits. The token itself is stored nowhere.
    public let refreshDigest: String
    /// What the client calls itself.
    public let device: String
    /// Where it came from.
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

/// A login that lives. All moments are of Redis's clock.
public struct Session: Sendable, Hashable {
    public let id: SessionID
    public let device: String
    public let address: String
    public let created: Timestamp
    /// The login itself or the last refresh: other requests write nothing.
    public let used: Timestamp
    /// When it ends unless it is refreshed before.
    public let expires: Timestamp
}

/// A refresh token to take the place of the one presented, as Redis gets to know it.
public struct NextRefreshToken: Sendable, Hashable {
    /// SHA-256, 64 hexadecimal digits.
    public let digest: String
    /// The token, readable only for who has the one presented.
    public let sealed: String

    public init(digest: String, sealed: String) {
        self.digest = digest
        self.sealed = sealed
    }
}

public enum RefreshReply: Sendable, Hashable {
    case rotated(Role)
    /// The token presented was exchanged within the grace: this is the seal of the token that took its place.
    case repeated(Role, sealed: String)
    case sessionNotFound
    /// The token was exchanged before. The session is deleted.
    case reused
}
