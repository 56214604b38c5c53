import Domain
import NIOCore

/// Remembers whose lock for wrong codes is in the log, so that a user who goes on trying does not fill the log. Each event loop
/// logs a lock once.
struct LockOuts {
    /// The most users that are remembered. Beyond that all are forgotten, and their locks may be logged again.
    private static let users = 10_000
    private var until: [UserID: NIODeadline] = [:]

    mutating func isNew(_ user: UserID, for time: TimeAmount, now: NIODeadline) -> Bool {
        if let end = until[user], now < end { return false }
        if until.count >= LockOuts.users { until.removeAll() }
        until[user] = now + time
        return true
    }
}
