internal import Domain

/// What Postgres and Redis hold in the end: all faults healed, nothing asked any more, the outbox drained.
struct Ledger: Sendable {
    struct Row: Hashable, Sendable {
        let id: RedemptionID
        /// Numbers of the history; −1: of nobody, or nothing, that it knows.
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
        /// In Redis; `nil`: not there.
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
    /// What could not land, and why.
    var quarantine: [(id: RedemptionID?, reason: String)] = []
    /// By number; those that Postgres has.
    var coupons: [Int: Coupon] = [:]
    /// Numbers of the operations that are in the control log.
    var operations: Set<Int> = []
    var grants: [Grant] = []
    /// By number: users that Redis has loaded.
    var credit: [Int: Credit] = [:]
    /// Entries of the outbox.
    var undrained = 0
    /// What `redeem reconcile` calls drift.
    var drift: [String] = []

    init() {}
}
