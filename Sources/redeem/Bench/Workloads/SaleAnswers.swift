internal import Synchronization

/// What each user of a sale was answered, to be compared with the stores afterwards. Threads of the load share it; each has
/// users of its own, so they wait for each other only for the moment of a mark.
final class SaleAnswers: Sendable {
    struct Marks: OptionSet, Hashable {
        let rawValue: UInt8

        static let asked = Marks(rawValue: 1)
        static let accepted = Marks(rawValue: 2)
        static let acceptedTwice = Marks(rawValue: 4)
        static let soldOut = Marks(rawValue: 8)
        /// Told that the user has redeemed before.
        static let already = Marks(rawValue: 64)
        /// A request whose outcome is not known.
        static let unknown = Marks(rawValue: 16)
        /// Refused for another reason; nothing was changed.
        static let failed = Marks(rawValue: 32)
    }

    /// Users by what became of all their requests together.
    struct Summary: Hashable, Sendable {
        var asked = 0
        var accepted = 0
        var acceptedTwice = 0
        /// Had redeemed before the run.
        var before = 0
        /// Not accepted, and it is not known of each of their requests what became of it.
        var undecided = 0
        /// None of the above, and not told that it is sold out either.
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
