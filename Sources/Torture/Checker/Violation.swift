/// A promise that was not kept, and what of the history has to do with it.
struct Violation: Sendable {
    enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
        /// Answered as accepted, and not in Postgres.
        case lost
        /// In Postgres, and nobody was told so, and nobody waits for an answer that could be it.
        case unasked
        /// Two redemptions of a coupon by a user.
        case twice
        /// The same request again got another answer.
        case changedAnswer = "changed_answer"
        /// Told of an earlier redemption that there is not.
        case phantom
        /// More redemptions of a coupon than its total.
        case oversold
        /// What is left of a coupon and what was redeemed are not its total.
        case stock
        /// A user's credit is not what was granted less what was spent.
        case credit
        /// What an operator did is lost, done without being asked, or not in Redis.
        case control
        /// A session redeemed after its end was answered.
        case revoked
        /// A refresh token was worth something after its successor was used, or had two successors.
        case refresh
        /// The cursor went back within an epoch.
        case cursor
        /// Something could not land, and no fault explains it.
        case quarantine
        /// Undrained, or drift that `redeem reconcile` sees.
        case drift
        /// A fault that nothing shows to have taken place.
        case unproven
        /// A process did not end as it should.
        case exit
        /// After a fault, redemptions were not decided again in time.
        case closed
    }

    let rule: Rule
    let text: String
    /// Places in `History.attempts` that have to do with it, in the order in which they started.
    let attempts: [Int]

    init(_ rule: Rule, _ text: String, _ attempts: [Int] = []) {
        self.rule = rule
        self.text = text
        self.attempts = attempts
    }
}
