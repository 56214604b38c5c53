public import Domain

/// One request to redeem a coupon, from an authenticated user.
public struct RedeemRequest: Sendable, Hashable {
    public let user: UserID
    /// The login that the request was made under. It must still exist.
    public let session: SessionID
    public let coupon: CouponID
    /// Of the hidden code that the user entered.
    public let codeDigest: CodeDigest
    /// The redemption's id but for its time. The same request again has the same tail, and is then told its first answer.
    public let tail: UUIDv7.Tail

    public init(user: UserID, session: SessionID, coupon: CouponID, codeDigest: CodeDigest, tail: UUIDv7.Tail) {
        self.user = user
        self.session = session
        self.coupon = coupon
        self.codeDigest = codeDigest
        self.tail = tail
    }
}

/// What `redeem.lua` decided. `RedeemCode` has the names on the wire.
public enum RedeemReply: Sendable, Hashable {
    case accepted(Redemption)
    /// The same request was accepted before, as this.
    case replayed(Redemption)
    /// By another request of the same user.
    case alreadyRedeemed(RedemptionID)
    case soldOut
    case insufficientCredit
    case wrongCode
    case tooManyAttempts(retryAfterSeconds: Int)
    case couponNotStarted(startsAt: Timestamp)
    case couponPaused
    case couponEnded
    /// There is no such coupon, or the shard is being rebuilt: `ShardStore.status()` tells.
    case couponNotLoaded
    /// Read the user from Postgres, `ShardStore.loadUser`, and ask again.
    case userNotLoaded
    case sessionRevoked

    public var code: RedeemCode {
        switch self {
        case .accepted: .accepted
        case .replayed: .replayed
        case .alreadyRedeemed: .alreadyRedeemed
        case .soldOut: .soldOut
        case .insufficientCredit: .insufficientCredit
        case .wrongCode: .wrongCode
        case .tooManyAttempts: .tooManyAttempts
        case .couponNotStarted: .couponNotStarted
        case .couponPaused: .couponPaused
        case .couponEnded: .couponEnded
        case .couponNotLoaded: .couponNotLoaded
        case .userNotLoaded: .userNotLoaded
        case .sessionRevoked: .sessionRevoked
        }
    }
}

extension RedeemReply {
    /// Reads what `redeem.lua` answers to one request of a call. `nil`: not what it says it answers.
    /// - Parameter price: the call's first value.
    init?(code: RESPValue, value: RESPValue, price: RESPValue, to request: RedeemRequest) {
        guard let code = code.string.flatMap(RedeemCode.init(rawValue:)) else { return nil }
        var id: RedemptionID? { value.string.flatMap { RedemptionID($0) } }
        var redemption: Redemption? {
            guard let id, let price = price.number else { return nil }
            return Redemption(id: id, user: request.user, coupon: request.coupon, price: price)
        }
        switch code {
        case .accepted:
            guard let redemption else { return nil }
            self = .accepted(redemption)
        case .replayed:
            guard let redemption else { return nil }
            self = .replayed(redemption)
        case .alreadyRedeemed:
            guard let id else { return nil }
            self = .alreadyRedeemed(id)
        case .soldOut: self = .soldOut
        case .insufficientCredit: self = .insufficientCredit
        case .wrongCode: self = .wrongCode
        case .tooManyAttempts:
            guard let seconds = value.number else { return nil }
            self = .tooManyAttempts(retryAfterSeconds: seconds)
        case .couponNotStarted:
            guard let milliseconds = value.number else { return nil }
            self = .couponNotStarted(startsAt: Timestamp(milliseconds: Int64(milliseconds)))
        case .couponPaused: self = .couponPaused
        case .couponEnded: self = .couponEnded
        case .couponNotLoaded: self = .couponNotLoaded
        case .userNotLoaded: self = .userNotLoaded
        case .sessionRevoked: self = .sessionRevoked
        }
    }
}
