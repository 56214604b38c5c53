import NIOCore

/// The coupons that Redis said are sold out, each with the moment at which Redis was asked. Once a sale is over, most requests can be
/// answered from here without a call.
///
/// A value without I/O: `Redeemer` asks it and fills it.
struct SoldOutCache<Line: Hashable> {
    private let age: TimeAmount
    private let limit: Int
    private var asked: [Line: NIODeadline] = [:]

    /// - Parameters:
    ///   - age: how long an answer holds, from the moment at which Redis was asked.
    ///   - limit: the most coupons that are kept.
    init(age: TimeAmount, limit: Int) {
        precondition(age >= .zero && limit >= 0)
        self.age = age
        self.limit = limit
    }

    func holds(_ line: Line, now: NIODeadline) -> Bool {
        guard !asked.isEmpty, let time = asked[line] else { return false }
        return now < time + age
    }

    /// - Parameter time: when the call was sent that found the coupon sold out. So a restock after that moment is seen within `age`.
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
