/// The sessions that some entries of the control log end, taken together.
public struct SessionRevocations: Sendable, Hashable {
    /// By user: sessions that began with credentials of a lower version are over.
    public private(set) var below: [UserID: Int] = [:]
    /// All users' sessions that began before this moment are over.
    public private(set) var before: Timestamp?

    public init() {}

    public init(_ changes: some Sequence<ControlChange>) {
        for change in changes {
            switch change {
            case .userSessionsRevoked(let user, let version): add(user, below: version)
            case .sessionsRevoked(let moment): add(before: moment)
            case .couponCreated, .couponState, .couponRestocked, .creditGranted, .redemptionDropped, .shardRebuild: break
            }
        }
    }

    public mutating func add(_ user: UserID, below version: Int) { below[user] = max(version, below[user] ?? version) }

    public mutating func add(before moment: Timestamp) { before = max(moment, before ?? moment) }
}
