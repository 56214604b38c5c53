/// One use of a coupon by a user.
public struct Redemption: Hashable, Sendable {
    public let id: RedemptionID
    public let user: UserID
    public let coupon: CouponID
    /// The credit that it cost.
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

/// A redemption that only a user's record in Redis has.
public struct UnaccountedRedemption: Hashable, Sendable {
    public let shard: Shard
    /// The epoch in which its user was loaded.
    public let epoch: Epoch
    public let id: RedemptionID
    public let user: UserID
    public let coupon: CouponID
    /// The credit that it cost; `nil`: the coupon is not known any more.
    public let price: Int?

    public init(shard: Shard, epoch: Epoch, id: RedemptionID, user: UserID, coupon: CouponID, price: Int?) {
        self.shard = shard
        self.epoch = epoch
        self.id = id
        self.user = user
        self.coupon = coupon
        self.price = price
    }

    public var redemption: Redemption? { price.map { Redemption(id: id, user: user, coupon: coupon, price: $0) } }

    /// The id of the outbox entry that it must have been in. The sequence number within the millisecond is not known, so it is 0.
    public var streamID: StreamID { StreamID(milliseconds: id.uuid.milliseconds, sequence: 0) }
}

/// One entry of a shard's outbox: the redemptions of one coupon that one call of `redeem.lua` accepted.
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
