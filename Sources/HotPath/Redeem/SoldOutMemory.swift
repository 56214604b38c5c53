import NIOCore

/// Which coupons Redis said are sold out, and when it was asked: once a sale is over, most of its load can be told so
/// without a call.
///
/// A value without I/O: `Redeemer` asks and teaches it.
struct SoldOutMemory<Line: Hashable> {
    private let age: TimeAmount
    private let limit: Int
    private var asked: [Line: NIODeadline] = [:]

    /// - Parameters:
    ///   - age: how long an answer holds, from the moment it was asked for.
    ///   - limit: of lines that are remembered.
    init(age: TimeAmount, limit: Int) {
        precondition(age >= .zero && limit >= 0)
        self.age = age
        self.limit = limit
    }

    func holds(_ line: Line, now: NIODeadline) -> Bool {
        guard !asked.isEmpty, let time = asked[line] else { return false }
        return now < time + age
    }

    /// - Parameter time: when the call that found it sold out was sent, so that nothing that happened later is denied for longer
    ///   than `age`.
    mutating func learn(_ line: Line, asked time: NIODeadline) {
        if asked[line] == nil, asked.count >= limit {
            asked = asked.filter { time < $0.value + age }
            guard asked.count < limit else { return }
        }
        asked[line] = time
    }

    mutating func forget(_ line: Line) {
        if !asked.isEmpty { asked[line] = nil }
    }
}
