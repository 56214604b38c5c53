/// Limits of a sync worker. Units are in the names or in the type.
public struct SyncConfiguration: Sendable {
    /// The most entries that one transaction lands. An entry holds up to 64 redemptions.
    public var entriesPerBatch = 1_000
    /// How long a read of an empty outbox waits for the next entry.
    public var readBlock: Duration = .milliseconds(100)
    /// How often an owner makes sure that its shard is still open and its lock still held.
    public var checkInterval: Duration = .milliseconds(250)
    /// How often an owner makes sure that every coupon is in Redis. It reads them all, so not with every check.
    public var couponCheckInterval: Duration = .seconds(5)
    /// How often a worker that owns nothing tries to become the owner.
    public var lockRetry: Duration = .milliseconds(500)
    /// Postgres closes the connection of an owner that sends nothing for this long (a stopped process), so the owner loses its lock.
    public var ownerSilence: Duration = .seconds(10)
    /// How often an owner tells Postgres that it is alive within the time for which it may be silent.
    static let signsInSilence = 10
    /// How long an owner waits for a Redis that does not answer before it lets another worker try, which may reach it.
    public var redisPatience: Duration = .seconds(2)
    /// Pause after a failure, doubled each time up to the second figure.
    public var retryPause: Duration = .milliseconds(50)
    public var retryPauseLimit: Duration = .seconds(2)
    /// Control entries read at a time.
    public var controlEntriesPerRead = 1_000
    /// How long an owner waits for a notification before it reads the control log without one.
    public var controlPoll: Duration = .seconds(1)
    /// The time from the end of one comparison of an owner's shard with Postgres to the next one, at least; `nil`: there are none.
    public var reconcileInterval: Duration? = .seconds(60)
    /// The limit on a statement of such a comparison, which may count all redemptions. If one takes longer, the comparison has failed.
    public var reconcileStatementTimeout: Duration = .seconds(30)

    public init() {}
}
