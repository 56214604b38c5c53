/// How long logins live and how many of them a user may have.
public struct SessionLimits: Sendable, Hashable {
    /// A session ends if it is not refreshed for this long.
    public var idle: Duration = .seconds(14 * 24 * 3600)
    /// A session ends this long after its login, however often it is refreshed.
    public var absolute: Duration = .seconds(90 * 24 * 3600)
    /// How long after a rotation the token before the current one may be presented again, by a client that lost the answer.
    public var grace: Duration = .seconds(10)
    /// The most sessions of one user. A further login ends the one that would expire first.
    public var perUser = 100

    public init() {}
}
