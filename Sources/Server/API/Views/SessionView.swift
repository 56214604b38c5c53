import Domain
import HotPath
import Hummingbird

/// A session as its user and operators see it.
struct SessionView: Encodable, Sendable {
    let id: SessionID
    /// A short name, made from `userAgent`.
    let device: String
    let userAgent: String
    let address: String
    /// RFC 3339, as the other two.
    let createdAt: String
    let lastUsedAt: String
    let expiresAt: String
    /// True if the request was made under this session.
    let current: Bool

    init(_ session: Session, isCurrent: Bool) {
        id = session.id
        device = DeviceLabel.label(userAgent: session.device)
        userAgent = session.device
        address = session.address
        createdAt = session.created.rfc3339
        lastUsedAt = session.used.rfc3339
        expiresAt = session.expires.rfc3339
        current = isCurrent
    }
}

/// A user's sessions, the newest first.
struct SessionList: ResponseEncodable, Sendable {
    let sessions: [SessionView]
}
