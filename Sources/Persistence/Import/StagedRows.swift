public import Domain

/// A row of another service's users on its way here.
public struct StagedUser: Sendable, Hashable {
    public struct Account: Sendable, Hashable {
        /// Not a hash, so no password matches it.
        public static let noPassword = "!"

        public let username: String
        public let name: String
        public let passwordHash: String
        /// The credit that the user is to have.
        public let credit: Int

        public init(username: String, name: String, passwordHash: String, credit: Int) {
            self.username = username
            self.name = name
            self.passwordHash = passwordHash
            self.credit = credit
        }
    }

    /// The id in the other service.
    public let source: String
    /// The id here. It follows from the id there, so a second run knows what the first one did.
    public let id: UserID
    /// `nil`: the user is not imported. The row is staged all the same, so that its uses differ from those of unknown users.
    public let account: Account?

    public init(source: String, id: UserID, account: Account?) {
        self.source = source
        self.id = id
        self.account = account
    }
}

/// A use of a staged coupon by a staged user. The same use may be staged more than once.
public struct StagedUse: Sendable, Hashable {
    public let id: RedemptionID
    public let user: UserID
    /// The user's id in the other service.
    public let userSource: String
    public let coupon: CouponID
    public let price: Int

    public init(id: RedemptionID, user: UserID, userSource: String, coupon: CouponID, price: Int) {
        self.id = id
        self.user = user
        self.userSource = userSource
        self.coupon = coupon
        self.price = price
    }
}

/// A coupon on its way here. Its total follows from its uses.
public struct StagedCoupon: Sendable, Hashable {
    public let id: CouponID
    public let name: String
    public let codeDigest: CodeDigest
    public let price: Int
    /// The stock left there; below 0 if the coupon was oversold.
    public let left: Int
    public let endsAt: Timestamp?
    public let state: Coupon.State
    /// The name by which people know it there.
    public let label: String
    /// True if an earlier run created it.
    public let isHere: Bool

    public init(
        id: CouponID,
        name: String,
        codeDigest: CodeDigest,
        price: Int,
        left: Int,
        endsAt: Timestamp?,
        state: Coupon.State,
        label: String,
        isHere: Bool
    ) {
        self.id = id
        self.name = name
        self.codeDigest = codeDigest
        self.price = price
        self.left = left
        self.endsAt = endsAt
        self.state = state
        self.label = label
        self.isHere = isHere
    }
}

extension UUIDv7 {
    /// The time in the ids of what was imported, since nobody knows the real one: 1970, before everything else.
    public static let importedMilliseconds: UInt64 = 0
}
