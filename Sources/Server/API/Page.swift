import Hummingbird

/// The page of a list that a request asks for by `?limit=…&after=…`: how many items, and after which one.
struct Page<Position: LosslessStringConvertible & Sendable>: Sendable {
    let limit: Int
    let after: Position?

    init(_ request: Request, limits: ServerLimits) throws(Problem) {
        let query = try Query(
            request,
            knows: ["limit", "after"],
            "it takes 'limit', and 'after', which is the 'next' of the page before"
        )
        if let text = query["limit"] {
            guard let limit = Int(text), (1...limits.pageGreatest).contains(limit) else {
                throw Problem(.invalidParameter, "The parameter 'limit' must be a number from 1 to \(limits.pageGreatest).")
            }
            self.limit = limit
        } else {
            limit = limits.pageDefault
        }
        if let text = query["after"] {
            guard let after = Position(text) else {
                throw Problem(.invalidParameter, "The parameter 'after' must be the 'next' of the page before.")
            }
            self.after = after
        } else {
            after = nil
        }
    }
}
