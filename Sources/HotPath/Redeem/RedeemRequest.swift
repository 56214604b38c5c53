public import Domain
package import RedisClient

/// One request to redeem a coupon, from an authenticated user.
public struct RedeemRequest: Sendable, Hashable {
    public let user: UserID
    /// The login that the request was made under. It must still exist.
    public let session: SessionID
    public let coupon: CouponID
    /// The digest of the hidden code that the user entered.
    public let codeDigest: CodeDigest
    /// The redemption's id without its time. A repeated request has the same tail, and gets its first answer again.
    public let tail: UUIDv7.Tail
    /// True if the client can repeat the request, so that it may have been accepted before. Then only Redis can answer it.
    public let mayBeRepeat: Bool
    /// The durability that its answer must promise. Only `replicated` makes a difference here. `relaxed` and `local` rest on how Redis is
    /// configured; for `ledger` the server waits for Postgres afterwards.
    public let durability: Durability

    public init(
        user: UserID,
        session: SessionID,
        coupon: CouponID,
        codeDigest: CodeDigest,
        tail: UUIDv7.Tail,
        mayBeRepeat: Bool = true,
        durability: Durability = .local
    ) {
        self.user = user
        self.session = session
        self.coupon = coupon
        self.codeDigest = codeDigest
        self.tail = tail
        self.mayBeRepeat = mayBeRepeat
        self.durability = durability
    }
}

/// The decision of `redeem.lua` on one request. `RedeemCode` has the names on the wire.
public enum RedeemReply: Sendable, Hashable {
    case accepted(Redemption)
    /// The same request was accepted before, as this redemption.
    case replayed(Redemption)
    /// The user redeemed the coupon before, by another request.
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
    /// The user must be loaded from Postgres by `ShardStore.loadUser`, and the request sent again.
    case userNotLoaded
    case sessionRevoked
    /// The outbox holds as much as it may: Postgres has been away for long.
    case backlogFull

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
        case .backlogFull: .backlogFull
        }
    }

    /// True if the answer says that this request has redeemed the coupon, which is what a durability is promised for.
    var isPromise: Bool {
        switch self {
        case .accepted, .replayed: true
        case .alreadyRedeemed, .soldOut, .insufficientCredit, .wrongCode, .tooManyAttempts, .couponNotStarted, .couponPaused,
            .couponEnded, .couponNotLoaded, .userNotLoaded, .sessionRevoked, .backlogFull:
            false
        }
    }
}

extension RedeemReply {
    /// The decisions of one call of `redeem.lua`.
    package struct Call {
        private let price: Int?
        /// The time in the ids of the redemptions that this call accepted.
        private let milliseconds: UInt64?
        /// The code of each request, and the place of its value in the reply. A code without a value has the place of the next value.
        private let answers: [(code: RedeemCode, place: Int)]
        private let parts: [RESPValue]

        /// `nil`: the reply does not have the form that the script states.
        package init?(_ reply: RESPValue, requests: Int) {
            guard let parts = reply.array, parts.count >= 3, let time = parts[1].string, let letters = parts[2].string,
                letters.utf8.count == requests
            else { return nil }
            var answers: [(code: RedeemCode, place: Int)] = []
            answers.reserveCapacity(requests)
            var place = 3
            for letter in letters.utf8 {
                guard let code = RedeemCode(letter: letter) else { return nil }
                answers.append((code, place))
                if code.hasValue { place += 1 }
            }
            guard parts.count == place else { return nil }
            self.answers = answers
            self.parts = parts
            price = parts[0].number.flatMap { $0 >= 0 ? $0 : nil }
            milliseconds = UUIDv7.milliseconds(base64URL: time.utf8)
        }

        /// The answer to a request. `nil`: the reply does not have the form that the script states.
        package func reply(_ index: Int, to request: RedeemRequest) -> RedeemReply? {
            let (code, place) = answers[index]
            switch code {
            case .accepted:
                guard let milliseconds else { return nil }
                return redemption(UUIDv7(milliseconds: milliseconds, tail: request.tail), request).map { .accepted($0) }
            case .replayed: return redemption(id(place), request).map { .replayed($0) }
            case .alreadyRedeemed: return id(place).map { .alreadyRedeemed(RedemptionID(uuid: $0)) }
            case .soldOut: return .soldOut
            case .insufficientCredit: return .insufficientCredit
            case .wrongCode: return .wrongCode
            case .tooManyAttempts: return parts[place].number.map { .tooManyAttempts(retryAfterSeconds: $0) }
            case .couponNotStarted:
                return parts[place].number.map { .couponNotStarted(startsAt: Timestamp(milliseconds: Int64($0))) }
            case .couponPaused: return .couponPaused
            case .couponEnded: return .couponEnded
            case .couponNotLoaded: return .couponNotLoaded
            case .userNotLoaded: return .userNotLoaded
            case .sessionRevoked: return .sessionRevoked
            case .backlogFull: return .backlogFull
            }
        }

        private func redemption(_ id: UUIDv7?, _ request: RedeemRequest) -> Redemption? {
            guard let id, let price else { return nil }
            return Redemption(id: RedemptionID(uuid: id), user: request.user, coupon: request.coupon, price: price)
        }

        private func id(_ place: Int) -> UUIDv7? {
            parts[place].string.flatMap { UUIDv7(base64URL: $0.utf8) }
        }
    }
}
