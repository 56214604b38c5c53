internal import Domain
internal import HotPath

/// The pace of a comparison, which bounds its load on Redis and Postgres.
struct ReconcilePace: Sendable {
    /// Users compared at a time; bounds the time that Redis is blocked.
    var usersPerPage: Int
    /// Rows of `redemptions` counted at a time; bounds the time that Postgres works without a rest. `nil`: all at once, and those of each
    /// coupon also in the snapshot that has the coupon.
    var rowsPerPage: Int?
    /// After each page the comparison rests, for this many times as long as the page took.
    var rest: Int
    /// The most entries of the outbox with which a page is read, since each page reads the outbox. With more, the comparison waits.
    var outboxLimit: Int

    /// The pace of a comparison whose answer somebody waits for.
    static let attended = ReconcilePace(usersPerPage: 500, rowsPerPage: nil, rest: 0, outboxLimit: .max)
    /// The pace beside an owner's work: at most a tenth of the time, in pages of about a millisecond of Redis and a few of Postgres.
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
