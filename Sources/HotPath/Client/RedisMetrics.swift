import CoreMetrics
import Domain

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
        connectionsLost = Counter(label: Metric.redisConnectionsLost.name, dimensions: dimensions)
        deadlinesExceeded = Counter(label: Metric.redisDeadlinesExceeded.name, dimensions: dimensions)
        lateReplies = Counter(label: Metric.redisLateReplies.name, dimensions: dimensions)
    }
}
