internal import Domain

/// All that was asked and answered in a run, and the state at its beginning.
struct History: Sendable {
    /// The user that a session was made for, and the moment at which its client knew of it.
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

    /// Each place is a user's number.
    var users: [UserID]
    /// The credit that each user had at first.
    var credit: Int
    /// Each place is a coupon's number.
    var coupons: [Coupon]
    var sessions: [Session] = []
    /// The attempts, in the order in which they ended.
    var attempts: [Attempt] = []
    /// The faults, in the order in which they began.
    var faults: [FaultRecord] = []
    /// The cursor as it was seen again and again, each time that it had moved.
    var cursors: [CursorSighting] = []
    /// Violations that `redeem reconcile` found in the middle of the run.
    var drift: [String] = []

    init(users: [UserID], credit: Int, coupons: [Coupon]) {
        self.users = users
        self.credit = credit
        self.coupons = coupons
    }
}

/// Postgres's cursor, and when it was seen.
struct CursorSighting: Hashable, Sendable {
    let seen: Moment
    let cursor: Cursor

    init(seen: Moment, cursor: Cursor) {
        self.seen = seen
        self.cursor = cursor
    }
}

/// One fault that was made, the proof that it took place, and its consequences.
struct FaultRecord: Sendable, Codable {
    let fault: Fault
    let began: Moment
    /// When the fault was undone: a server was started again, or a link was whole again.
    var healed: Moment?
    /// Seconds from then until both servers decided redemptions again; `nil` if they did not do so in time.
    var secondsToOpen: Double?
    /// The proof that the fault took place; `nil` if there is none.
    var proof: String?
    /// A fault in the way that a process ended.
    var complaint: String?
    /// The permitted loss in the mode of the run; `nil`: nothing may be lost.
    var loss: Loss?

    init(_ fault: Fault, began: Moment) {
        self.fault = fault
        self.began = began
    }
}

/// The time of which a fault may lose something without breaking a promise: decisions that Redis made in this time and Postgres
/// does not have, and sessions that were ended or refreshed in it.
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
