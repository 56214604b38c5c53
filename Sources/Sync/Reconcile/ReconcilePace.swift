internal import Domain
internal import HotPath

/// How much a comparison may take from those it looks at.
struct ReconcilePace: Sendable {
    /// Users compared at a time; bounds the time that Redis is blocked.
    var usersPerPage: Int
    /// Rows of `redemptions` counted at a time; bounds the time that Postgres works without a rest. `nil`: all at once, and with
    /// each coupon, so that no count is between two others.
    var rowsPerPage: Int?
    /// After each page there is a rest of so many times what it took.
    var rest: Int
    /// Each page reads the outbox. While it has more entries than this, the comparison waits.
    var outboxLimit: Int

    /// Somebody waits for the answer.
    static let attended = ReconcilePace(usersPerPage: 500, rowsPerPage: nil, rest: 0, outboxLimit: .max)
    /// Beside the work: a tenth of the time at most, in pages of about a millisecond of Redis's time and a few of Postgres's.
    static let continuous = ReconcilePace(usersPerPage: 100, rowsPerPage: 1_000, rest: 9, outboxLimit: 1_000)

    private static let outboxPause: Duration = .seconds(1)

    /// Waits until a page may be read.
    func admit(_ store: ShardStore) async throws {
        try Task.checkCancellation()
        guard outboxLimit < .max else { return }
        while try await store.outboxLength() > outboxLimit { try await Task.sleep(for: ReconcilePace.outboxPause) }
    }

    func pause(after began: ContinuousClock.Instant) async throws {
        guard rest > 0 else { return }
        try await Task.sleep(for: (ContinuousClock.now - began) * rest)
    }
}
