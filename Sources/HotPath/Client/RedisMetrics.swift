import CoreMetrics

/// What the connections of a client count.
struct RedisMetrics: Sendable {
    /// Connections that were in use and ended unasked.
    let connectionsLost: Counter
    /// Commands without a reply in time: their outcome is unknown.
    let deadlinesExceeded: Counter
    /// Replies that came after all.
    let lateReplies: Counter

    init(client: String) {
        let dimensions = [("client", client)]
        connectionsLost = Counter(label: "redeem_redis_connections_lost_total", dimensions: dimensions)
        deadlinesExceeded = Counter(label: "redeem_redis_deadlines_exceeded_total", dimensions: dimensions)
        lateReplies = Counter(label: "redeem_redis_late_replies_total", dimensions: dimensions)
    }
}
