import CoreMetrics

/// The counters of a client's connections.
struct RedisMetrics: Sendable {
    let connectionsLost: Counter
    let deadlinesExceeded: Counter
    let lateReplies: Counter

    init(_ configuration: RedisConfiguration) {
        let names = configuration.counterNames
        let dimensions = [("client", configuration.clientName)]
        connectionsLost = Counter(label: names.connectionsLost, dimensions: dimensions)
        deadlinesExceeded = Counter(label: names.deadlinesExceeded, dimensions: dimensions)
        lateReplies = Counter(label: names.lateReplies, dimensions: dimensions)
    }
}
