public import Domain
package import RedisClient

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
    /// Whether it may have been accepted before, because its client can send the same request again. Only Redis knows, then.
    public let mayBeRepeat: Bool
    /// What its answer is to promise. Here `replicated` alone makes a difference: the other modes rest on how Redis is configured,
    /// or on what follows.
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

    /// Whether it says that the user has the coupon, which is what a durability is promised for.
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
    /// What one call of `redeem.lua` decided.
    package struct Call {
        private let price: Int?
        /// The time in the ids of what was accepted now.
        private let milliseconds: UInt64?
        /// The code of each request, and where its value is among the parts of the reply. Codes without one have the place of the next.
        private let answers: [(code: RedeemCode, place: Int)]
        private let parts: [RESPValue]

        /// `nil`: not what it says it answers.
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

        /// The answer to a request. `nil`: not what the script says it answers.
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
