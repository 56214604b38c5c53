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

/// A redemption that a user in Redis has, and that is nowhere else.
public struct UnaccountedRedemption: Hashable, Sendable {
    public let shard: Shard
    /// In which the user was loaded who has it.
    public let epoch: Epoch
    public let id: RedemptionID
    public let user: UserID
    public let coupon: CouponID
    /// Credit; `nil`: nobody knows the coupon any more.
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

    /// The outbox entry that it must have been in, as far as its id tells: which of its millisecond is not known.
    public var streamID: StreamID { StreamID(milliseconds: id.uuid.milliseconds, sequence: 0) }
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
