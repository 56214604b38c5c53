/// The names of a client's counters. Each counter has the client's name as its dimension.
public struct RedisCounterNames: Sendable {
    /// Connections that were in use and ended unasked.
    public var connectionsLost = "redis_connections_lost_total"
    /// Commands without a reply in time: their outcome is unknown.
    public var deadlinesExceeded = "redis_deadlines_exceeded_total"
    /// Replies that came after their deadline.
    public var lateReplies = "redis_late_replies_total"

    public init() {}
}
