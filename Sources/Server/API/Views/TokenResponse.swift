import Domain
import Hummingbird

/// The tokens of a session. The first four members are those of RFC 6749, section 5.1.
struct TokenResponse: ResponseEncodable, Sendable {
    let accessToken: String
    let tokenType = "Bearer"
    /// Seconds until the access token expires.
    let expiresIn: Int
    let refreshToken: String
    let session: SessionID
    /// Absent after a refresh.
    let user: UserView?
}
