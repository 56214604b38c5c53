/// One use of a coupon by a user.
public struct Redemption: Hashable, Sendable {
    public let id: RedemptionID
    public let user: UserID
    public let coupon: CouponID
    /// Credit.
    public let price: Int

    public init(id: RedemptionID, user: UserID, coupon: CouponID, price: Int) {
        self.id = id
        self.user = user
        self.coupon = coupon
        self.price = price
    }

    /// The moment at which Redis decided.
    public var redeemedAt: Timestamp { Timestamp(milliseconds: Int64(id.uuid.milliseconds)) }
}

/// One entry of a shard's outbox: all that one call of `redeem.lua` accepted, of one coupon.
public struct OutboxEntry: Hashable, Sendable {
    public let id: StreamID
    public let epoch: Epoch
    public let redemptions: [Redemption]

    public init(id: StreamID, epoch: Epoch, redemptions: [Redemption]) {
        self.id = id
        self.epoch = epoch
        self.redemptions = redemptions
    }
}
