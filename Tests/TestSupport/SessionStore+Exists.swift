public import Domain
public import HotPath

extension SessionStore {
    /// Whether the user's session lives, in whatever role.
    public func exists(user: UserID, session: SessionID) async throws -> Bool {
        for role in Role.allCases where try await isLive(session, of: user, as: role) { return true }
        return false
    }
}
