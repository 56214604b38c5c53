/// How long logins live and how many of them a user may have.
public struct SessionLimits: Sendable, Hashable {
    /// A session that is not refreshed for so long ends.
    public var idle: Duration = .seconds(14 * 24 * 3600)
    /// A session ends so long after its login, however often it is refreshed.
    public var absolute: Duration = .seconds(90 * 24 * 3600)
    /// How long the refresh token before the current one may be repeated, by a client that lost the answer.
    public var grace: Duration = .seconds(10)
    /// Sessions of one user. A further login ends the one that would expire first.
    public var perUser = 100

    public init() {}
}
