import Domain
import NIOCore

/// Whose lock for wrong codes was told, so that who goes on trying fills no log: once a lock for each event loop.
struct LockOuts {
    /// Users that are remembered. Beyond, all are forgotten, and may be told again.
    private static let users = 10_000
    private var until: [UserID: NIODeadline] = [:]

    mutating func isNew(_ user: UserID, for time: TimeAmount, now: NIODeadline) -> Bool {
        if let end = until[user], now < end { return false }
        if until.count >= LockOuts.users { until.removeAll() }
        until[user] = now + time
        return true
    }
}
