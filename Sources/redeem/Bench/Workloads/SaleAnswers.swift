internal import Synchronization

/// The answers that each user of a sale got, to be compared with the stores afterwards. The threads of the load share it. Each
/// thread has its own users, so threads wait for each other only during a mark.
final class SaleAnswers: Sendable {
    struct Marks: OptionSet, Hashable {
        let rawValue: UInt8

        static let asked = Marks(rawValue: 1)
        static let accepted = Marks(rawValue: 2)
        static let acceptedTwice = Marks(rawValue: 4)
        static let soldOut = Marks(rawValue: 8)
        /// The service said that the user has redeemed before.
        static let already = Marks(rawValue: 64)
        /// The outcome of a request is unknown.
        static let unknown = Marks(rawValue: 16)
        /// The service refused for another reason, and changed nothing.
        static let failed = Marks(rawValue: 32)
    }

    /// Numbers of users. Each user is counted by all answers to the user's requests together.
    struct Summary: Hashable, Sendable {
        var asked = 0
        var accepted = 0
        var acceptedTwice = 0
        /// Users who had redeemed before the run.
        var before = 0
        /// Users who were not accepted, and had a request whose outcome is unknown.
        var undecided = 0
        /// Other users who were not accepted, and were not told that the coupon is sold out either.
        var failed = 0
    }

    private let marks: Mutex<[Marks]>

    let users: Int

    init(users: Int) {
        self.users = users
        marks = Mutex(Array(repeating: [], count: users))
    }

    func mark(_ user: Int, _ mark: Marks) {
        marks.withLock { marks in
            let twice = mark == .accepted && marks[user].contains(.accepted)
            marks[user].formUnion(twice ? .acceptedTwice : mark)
        }
    }

    subscript(user: Int) -> Marks { marks.withLock { $0[user] } }

    var summary: Summary {
        marks.withLock { marks in
            var summary = Summary()
            for user in marks where user.contains(.asked) {
                summary.asked += 1
                if user.contains(.accepted) {
                    summary.accepted += 1
                    summary.acceptedTwice += user.contains(.acceptedTwice) ? 1 : 0
                } else if user.contains(.unknown) {
                    summary.undecided += 1
                } else if user.contains(.already) {
                    summary.before += 1
                } else if !user.contains(.soldOut) {
                    summary.failed += 1
                }
            }
            return summary
        }
    }
}
