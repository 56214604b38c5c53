internal import Domain

/// The state of Postgres and Redis in the end, when all faults are healed, all requests have ended and the outbox is drained.
struct FinalState: Sendable {
    struct Row: Hashable, Sendable {
        let id: RedemptionID
        /// A number of the history; −1 if the history does not have the user, or the coupon.
        let user: Int
        let coupon: Int
        let price: Int

        init(id: RedemptionID, user: Int, coupon: Int, price: Int) {
            self.id = id
            self.user = user
            self.coupon = coupon
            self.price = price
        }
    }

    /// A coupon in both stores.
    struct Coupon: Hashable, Sendable {
        var total: Int
        var isPaused: Bool
        /// The stock in Redis; `nil` if the coupon is not there.
        var left: Int?
        var isPausedInRedis: Bool?

        init(total: Int, isPaused: Bool, left: Int?, isPausedInRedis: Bool?) {
            self.total = total
            self.isPaused = isPaused
            self.left = left
            self.isPausedInRedis = isPausedInRedis
        }
    }

    struct Grant: Hashable, Sendable {
        let operation: Int
        let user: Int
        let amount: Int

        init(operation: Int, user: Int, amount: Int) {
            self.operation = operation
            self.user = user
            self.amount = amount
        }
    }

    var rows: [Row] = []
    /// Redemptions that could not land, with the reason.
    var quarantine: [(id: RedemptionID?, reason: String)] = []
    /// The coupons of Postgres, by number.
    var coupons: [Int: Coupon] = [:]
    /// Numbers of the operations that are in the control log.
    var operations: Set<Int> = []
    var grants: [Grant] = []
    /// Credit of the users that Redis has, by number.
    var credit: [Int: Credit] = [:]
    /// How many entries the outbox still has.
    var undrained = 0
    /// Violations that `redeem reconcile` found.
    var drift: [String] = []

    init() {}
}
