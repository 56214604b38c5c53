import Domain

@testable import Torture

/// A history and a final state that fit together, to be bent by a test: two users, one coupon of price 10, one session each.
struct Story {
    static let ada = 0
    static let ben = 1
    static let coupon = 0

    var history: History
    var finalState = FinalState()
    private var time: Int64 = 1_000_000_000

    init(total: Int = 5) {
        let users = (0..<2).map { UserID(uuid: UUIDv7(milliseconds: UInt64($0 + 1))) }
        history = History(users: users, credit: 100, coupons: [History.Coupon(id: CouponID("tea")!, price: 10, total: total)])
        history.sessions = [
            History.Session(user: Story.ada, known: Moment(microseconds: 0)),
            History.Session(user: Story.ben, known: Moment(microseconds: 0)),
        ]
        finalState.coupons[Story.coupon] = FinalState.Coupon(total: total, isPaused: false, left: total, isPausedInRedis: false)
        for user in [Story.ada, Story.ben] { finalState.credit[user] = Credit(available: 100, held: 0) }
        operate(.create(coupon: Story.coupon), number: 1)
    }

    var rules: [Violation.Rule] { Checker(history, finalState).violations().map(\.rule) }

    /// The moment at which the next attempt starts.
    var now: Moment { Moment(microseconds: time) }

    /// Each attempt takes 2 ms, and the next one starts 10 ms later.
    mutating func add(_ what: Attempt.What, _ outcome: Attempt.Outcome) {
        history.attempts.append(
            Attempt(what, started: now, ended: Moment(microseconds: time + 2_000), outcome)
        )
        wait(milliseconds: 10)
    }

    mutating func wait(milliseconds: Int64) { time += milliseconds * 1000 }

    /// An id of a decision in the middle of the next attempt.
    func id(after milliseconds: Int64 = 1) -> RedemptionID {
        RedemptionID(uuid: UUIDv7(milliseconds: UInt64(now.milliseconds + milliseconds)))
    }

    func redeem(_ user: Int = ada, key: Int = 1, session: Int? = nil) -> Attempt.What {
        .redeem(user: user, coupon: Story.coupon, key: key, session: session ?? user)
    }

    /// Redeemed, answered and stored.
    @discardableResult
    mutating func redeemed(_ user: Int = ada, key: Int = 1) -> RedemptionID {
        let id = id()
        add(redeem(user, key: key), .redeemed(id, replayed: false))
        store(id, user)
        return id
    }

    mutating func store(_ id: RedemptionID, _ user: Int = ada) {
        finalState.rows.append(FinalState.Row(id: id, user: user, coupon: Story.coupon, price: 10))
        finalState.coupons[Story.coupon]?.left? -= 1
        if let credit = finalState.credit[user] { finalState.credit[user] = Credit(available: credit.available - 10, held: 0) }
    }

    mutating func operate(_ operation: Attempt.Operation, number: Int, _ outcome: Attempt.Outcome = .done) {
        add(.operate(operation, number: number), outcome)
        finalState.operations.insert(number)
    }

    /// A fault that took place at this moment, and may have lost what was decided since one.
    mutating func fault(_ fault: Fault, mayLoseSince: Moment? = nil) {
        var record = FaultRecord(fault, began: now)
        record.healed = now
        record.secondsToOpen = 0.1
        record.proof = "proven"
        if let mayLoseSince { record.loss = Loss(from: mayLoseSince, until: now) }
        history.faults.append(record)
        wait(milliseconds: 10)
    }
}
