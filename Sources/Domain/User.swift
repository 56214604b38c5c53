public enum Role: String, Sendable, Codable, CaseIterable {
    case user
    case admin
}

/// A user as Postgres has it. It has no credit: the balance is a view in Postgres, and the live credit is in Redis.
public struct User: Hashable, Sendable {
    public let id: UserID
    public let username: String
    /// The name to show.
    public let name: String
    public let role: Role
    public let createdAt: Timestamp

    public init(id: UserID, username: String, name: String, role: Role, createdAt: Timestamp) {
        self.id = id
        self.username = username
        self.name = name
        self.role = role
        self.createdAt = createdAt
    }
}

/// All that Redis needs to know of a user, read from Postgres in one snapshot.
public struct UserSnapshot: Hashable, Sendable {
    public let user: UserID
    /// Grants minus redemptions.
    public let balance: Int
    public let redemptions: [CouponID: RedemptionID]
    /// The last control sequence number that the balance contains.
    public let control: Int
    /// The epoch of the user's shard in the same snapshot. Redis refuses a snapshot of another epoch than its own.
    public let epoch: Epoch

    public init(user: UserID, balance: Int, redemptions: [CouponID: RedemptionID], control: Int, epoch: Epoch) {
        self.user = user
        self.balance = balance
        self.redemptions = redemptions
        self.control = control
        self.epoch = epoch
    }
}

/// The credit of a user in Redis.
public struct Credit: Hashable, Sendable {
    /// The credit that the user can spend.
    public let available: Int
    /// The credit that redemptions hold until they are settled.
    public let held: Int

    public init(available: Int, held: Int) {
        self.available = available
        self.held = held
    }
}
