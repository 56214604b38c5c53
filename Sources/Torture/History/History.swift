internal import Domain

/// All that was asked and answered in a run, and what stood at its beginning.
struct History: Sendable {
    /// What a session was made for, and when its client knew of it.
    struct Session: Hashable, Sendable {
        let user: Int
        let known: Moment

        init(user: Int, known: Moment) {
            self.user = user
            self.known = known
        }
    }

    /// A coupon as it was created.
    struct Coupon: Hashable, Sendable {
        let id: CouponID
        let price: Int
        let total: Int

        init(id: CouponID, price: Int, total: Int) {
            self.id = id
            self.price = price
            self.total = total
        }
    }

    /// By number.
    var users: [UserID]
    /// What each user had at first.
    var credit: Int
    /// By number.
    var coupons: [Coupon]
    var sessions: [Session] = []
    /// In the order in which they ended.
    var attempts: [Attempt] = []
    /// In the order in which they began.
    var faults: [FaultRecord] = []
    /// The cursor as it was seen again and again.
    var cursors: [CursorSighting] = []
    /// What `redeem reconcile` called drift in the middle of the run.
    var drift: [String] = []

    init(users: [UserID], credit: Int, coupons: [Coupon]) {
        self.users = users
        self.credit = credit
        self.coupons = coupons
    }
}

/// Postgres's cursor as somebody saw it who only looked.
struct CursorSighting: Hashable, Sendable {
    let seen: Moment
    let cursor: Cursor

    init(seen: Moment, cursor: Cursor) {
        self.seen = seen
        self.cursor = cursor
    }
}

/// One fault that was made, what shows that it took place, and what came of it.
struct FaultRecord: Sendable, Codable {
    let fault: Fault
    let began: Moment
    /// When it was undone: a server started again, a link whole again.
    var healed: Moment?
    /// From then until both servers decided redemptions again, in seconds; `nil`: they did not in time.
    var secondsToOpen: Double?
    /// What proves it; `nil`: nothing does.
    var proof: String?
    /// What was wrong with how a process ended.
    var complaint: String?
    /// What it may have taken with it, in the mode of the run; `nil`: nothing.
    var loss: Loss?

    init(_ fault: Fault, began: Moment) {
        self.fault = fault
        self.began = began
    }
}

/// What a fault may have lost without a promise being broken: decisions that Redis made in this time and Postgres does not
/// have, and sessions ended or refreshed in it.
struct Loss: Hashable, Sendable, Codable {
    let from: Moment
    let until: Moment

    init(from: Moment, until: Moment) {
        self.from = from
        self.until = until
    }

    func covers(_ id: RedemptionID) -> Bool {
        let milliseconds = Int64(id.uuid.milliseconds)
        return milliseconds >= from.milliseconds && milliseconds <= until.milliseconds
    }
}
