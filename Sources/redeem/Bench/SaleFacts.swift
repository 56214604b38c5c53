/// All that is known of a sale after a run, and the promises that can be checked with it. No I/O.
///
/// Nobody else may redeem or restock the coupon during the run.
struct SaleFacts: Sendable {
    /// The answers to all users in the whole run.
    var answers: SaleAnswers.Summary
    /// The stock that was left before and after the run.
    var leftBefore: Int
    var leftAfter: Int
    /// Rows of the coupon in Postgres; `nil` if they are unknown.
    var rows: Rows?

    struct Rows: Sendable {
        var before: Int
        var after: Int
        /// How many users these rows belong to.
        var users: Int
    }

    /// A promise, and whether it was kept.
    struct Check: Sendable, Codable, Hashable {
        let promise: String
        /// `nil` if it could not be checked.
        let holds: Bool?
        /// The figures that were found, or the reason why the promise could not be checked.
        let detail: String
    }

    /// How many successes there must be: as many as stock and users allow, less the users whose outcome is unknown or who were
    /// refused for another reason.
    var expected: ClosedRange<Int> {
        let most = min(leftBefore, answers.asked - answers.before)
        return max(0, most - answers.undecided - answers.failed)...most
    }

    var checks: [Check] {
        let taken = leftBefore - leftAfter
        let possible = answers.accepted...answers.accepted + answers.undecided
        var checks = [
            Check(
                promise: "successes = min(stock, users)",
                holds: expected.contains(answers.accepted),
                detail: "\(answers.accepted) successes, stock \(leftBefore), \(answers.asked) users asked"
                    + (answers.before > 0 ? ", \(answers.before) had redeemed before" : "") + doubts
            ),
            Check(
                promise: "no user twice",
                holds: answers.acceptedTwice == 0 && rows.map { $0.after == $0.users } != false,
                detail: "\(answers.acceptedTwice) users were accepted twice"
                    + (rows.map { "; \($0.after) rows of \($0.users) users" } ?? "")
            ),
            Check(
                promise: "stock taken = successes",
                holds: possible.contains(taken),
                detail: "\(leftBefore) − \(leftAfter) = \(taken), \(answers.accepted) successes" + doubts
            ),
        ]
        if let rows {
            checks.append(
                Check(
                    promise: "rows in Postgres = successes",
                    holds: possible.contains(rows.after - rows.before),
                    detail: "\(rows.after - rows.before) new rows, \(answers.accepted) successes" + doubts
                )
            )
        }
        return checks
    }

    private var doubts: String {
        (answers.undecided > 0 ? ", \(answers.undecided) users with an unknown outcome" : "")
            + (answers.failed > 0 ? ", \(answers.failed) users refused for another reason" : "")
    }
}
