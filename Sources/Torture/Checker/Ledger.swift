public import Domain

/// What Postgres and Redis hold in the end: all faults healed, nothing asked any more, the outbox drained.
public struct Ledger: Sendable {
    public struct Row: Hashable, Sendable {
        public let id: RedemptionID
        /// Numbers of the history; −1: of nobody, or nothing, that it knows.
        public let user: Int
        public let coupon: Int
        public let price: Int

        public init(id: RedemptionID, user: Int, coupon: Int, price: Int) {
            self.id = id
            self.user = user
            self.coupon = coupon
            self.price = price
        }
    }

    /// A coupon in both stores.
    public struct Coupon: Hashable, Sendable {
        public var total: Int
        public var isPaused: Bool
        /// In Redis; `nil`: not there.
        public var left: Int?
        public var isPausedInRedis: Bool?

        public init(total: Int, isPaused: Bool, left: Int?, isPausedInRedis: Bool?) {
            self.total = total
            self.isPaused = isPaused
            self.left = left
            self.isPausedInRedis = isPausedInRedis
        }
    }

    public struct Grant: Hashable, Sendable {
        public let operation: Int
        public let user: Int
        public let amount: Int

        public init(operation: Int, user: Int, amount: Int) {
            self.operation = operation
            self.user = user
            self.amount = amount
        }
    }

    public var rows: [Row] = []
    /// What could not land, and why.
    public var quarantine: [(id: RedemptionID?, reason: String)] = []
    /// By number; those that Postgres has.
    public var coupons: [Int: Coupon] = [:]
    /// Numbers of the operations that are in the control log.
    public var operations: Set<Int> = []
    public var grants: [Grant] = []
    /// By number: users that Redis has loaded.
    public var credit: [Int: Credit] = [:]
    /// Entries of the outbox.
    public var undrained = 0
    /// What `redeem reconcile` calls drift.
    public var drift: [String] = []

    public init() {}
}
