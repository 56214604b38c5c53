/// A promise that was not kept, and the attempts that it concerns.
struct Violation: Sendable {
    enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
        /// A redemption was answered as accepted, and is not in Postgres.
        case lost
        /// A redemption is in Postgres, though nobody was told so, and no request without an answer can have made it.
        case unasked
        /// A user has redeemed a coupon twice.
        case twice
        /// A repeated request got another answer.
        case changedAnswer = "changed_answer"
        /// A user was told of an earlier redemption that does not exist.
        case phantom
        /// A coupon has more redemptions than its total.
        case oversold
        /// The stock that is left and the redemptions do not add up to a coupon's total.
        case stock
        /// A user's credit is not the grants less the spendings.
        case credit
        /// An act of an operator is lost, was done without being asked for, or is not in Redis.
        case control
        /// A session redeemed after its end was confirmed.
        case revoked
        /// A refresh token was accepted after its successor was used, or had two successors.
        case refresh
        /// The cursor went back within an epoch.
        case cursor
        /// A redemption could not land, and no fault explains it.
        case quarantine
        /// The outbox was not drained, or `redeem reconcile` found drift.
        case drift
        /// Nothing shows that a fault took place.
        case unproven
        /// A process did not end as it should.
        case exit
        /// After a fault, redemptions were not decided again in time.
        case closed
    }

    let rule: Rule
    let text: String
    /// Places in `History.attempts`, in the order in which they started.
    let attempts: [Int]

    init(_ rule: Rule, _ text: String, _ attempts: [Int] = []) {
        self.rule = rule
        self.text = text
        self.attempts = attempts
    }
}
