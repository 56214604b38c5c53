/// Pauses between attempts: each is twice as long as the one before, up to a limit.
package struct Backoff: Sendable {
    private let first: Duration
    private let limit: Duration
    private var current: Duration

    package init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
        current = min(first, limit)
    }

    /// - Parameter chance: 0 to 1. The pause is half as long with 0. Drawn at random it keeps those that failed together from coming
    ///   back together.
    package mutating func next(chance: Double = 1) -> Duration {
        defer { current = min(current * 2, limit) }
        return current / 2 + current / 2 * chance
    }

    package mutating func reset() { current = min(first, limit) }
}
