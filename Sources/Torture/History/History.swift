public import Domain

/// All that was asked and answered in a run, and what stood at its beginning.
public struct History: Sendable {
    /// What a session was made for, and when its client knew of it.
    public struct Session: Hashable, Sendable {
        public let user: Int
        public let known: Moment

        public init(user: Int, known: Moment) {
            self.user = user
            self.known = known
        }
    }

    /// A coupon as it was created.
    public struct Coupon: Hashable, Sendable {
        public let id: CouponID
        public let price: Int
        public let total: Int

        public init(id: CouponID, price: Int, total: Int) {
            self.id = id
            self.price = price
            self.total = total
        }
    }

    /// By number.
    public var users: [UserID]
    /// What each user had at first.
    public var credit: Int
    /// By number.
    public var coupons: [Coupon]
    public var sessions: [Session] = []
    /// In the order in which they ended.
    public var attempts: [Attempt] = []
    /// In the order in which they began.
    public var faults: [FaultRecord] = []
    /// The cursor as it was seen again and again.
    public var cursors: [CursorSighting] = []
    /// What `redeem reconcile` called drift in the middle of the run.
    public var drift: [String] = []

    public init(users: [UserID], credit: Int, coupons: [Coupon]) {
        self.users = users
        self.credit = credit
        self.coupons = coupons
    }
}

/// Postgres's cursor as somebody saw it who only looked.
public struct CursorSighting: Hashable, Sendable {
    public let seen: Moment
    public let cursor: Cursor

    public init(seen: Moment, cursor: Cursor) {
        self.seen = seen
        self.cursor = cursor
    }
}

/// One fault that was made, what shows that it took place, and what came of it.
public struct FaultRecord: Sendable, Codable {
    public let fault: Fault
    public let began: Moment
    /// When it was undone: a server started again, a link whole again.
    public var healed: Moment?
    /// From then until both servers decided redemptions again, in seconds; `nil`: they did not in time.
    public var secondsToOpen: Double?
    /// What proves it; `nil`: nothing does.
    public var proof: String?
    /// What was wrong with how a process ended.
    public var complaint: String?
    /// What it may have taken with it, in the mode of the run; `nil`: nothing.
    public var loss: Loss?

    public init(_ fault: Fault, began: Moment) {
        self.fault = fault
        self.began = began
    }
}

/// What a fault may have lost without a promise being broken: decisions that Redis made in this time and Postgres does not
/// have, and sessions ended or refreshed in it.
public struct Loss: Hashable, Sendable, Codable {
    public let from: Moment
    public let until: Moment

    public init(from: Moment, until: Moment) {
        self.from = from
        self.until = until
    }

    func covers(_ id: RedemptionID) -> Bool {
        let milliseconds = Int64(id.uuid.milliseconds)
        return milliseconds >= from.milliseconds && milliseconds <= until.milliseconds
    }
}
