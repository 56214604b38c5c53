import Domain
import HotPath
import LuaScripts
import TestSupport

/// What a shard must do, written again in the plainest way: one request at a time, no batches, no Redis.
struct ShardModel {
    struct CouponState {
        let price: Int
        var total: Int
        var left: Int
        var isPaused = false
    }

    struct UserState {
        var granted: Int
        var credit: Int
        var held = 0
        var spent = 0
        var attempts = 0
        var isLocked = false
        var hasSession = true
        var isLoaded = true
        /// The tails of its redemptions.
        var redemptions: [CouponID: UUIDv7.Tail] = [:]
    }

    let wrongCodes: Int
    var coupons: [CouponID: CouponState] = [:]
    var users: [UserID: UserState] = [:]
    /// Redemptions not yet settled, one array an entry.
    var outbox: [[(user: UserID, price: Int)]] = []

    mutating func decide(_ requests: [RedeemRequest]) -> [RedeemCode] {
        var accepted: [(user: UserID, price: Int)] = []
        let codes = requests.map { request in
            let code = decide(request)
            if code == .accepted { accepted.append((request.user, coupons[request.coupon]!.price)) }
            return code
        }
        if !accepted.isEmpty { outbox.append(accepted) }
        return codes
    }

    private mutating func decide(_ request: RedeemRequest) -> RedeemCode {
        guard var coupon = coupons[request.coupon] else { return .couponNotLoaded }
        guard var user = users[request.user], user.isLoaded else { return .userNotLoaded }
        guard user.hasSession else { return .sessionRevoked }
        guard !user.isLocked else { return .tooManyAttempts }
        let isRight = request.codeDigest == .right
        if isRight, user.redemptions[request.coupon] == request.tail { return .replayed }
        defer {
            users[request.user] = user
            coupons[request.coupon] = coupon
        }
        guard isRight else {
            user.attempts += 1
            if user.attempts == wrongCodes {
                user.attempts = 0
                user.isLocked = true
            }
            return coupon.isPaused ? .couponPaused : .wrongCode
        }
        guard !coupon.isPaused else { return .couponPaused }
        guard user.redemptions[request.coupon] == nil else { return .alreadyRedeemed }
        guard coupon.left > 0 else { return .soldOut }
        guard user.credit >= coupon.price else { return .insufficientCredit }
        coupon.left -= 1
        user.credit -= coupon.price
        user.held += coupon.price
        user.redemptions[request.coupon] = request.tail
        return .accepted
    }

    mutating func settle(entries: Int) {
        for redemption in outbox.prefix(entries).joined() {
            users[redemption.user]!.held -= redemption.price
            users[redemption.user]!.spent += redemption.price
        }
        outbox.removeFirst(entries)
    }

    mutating func grant(_ user: UserID, _ amount: Int) {
        users[user]!.granted += amount
        users[user]!.credit += amount
    }

    mutating func restock(_ coupon: CouponID, _ amount: Int) {
        coupons[coupon]!.total += amount
        coupons[coupon]!.left += amount
    }
}
