/// What a proxy does to the connections through it, those that are open and those to come.
enum LinkFault: Hashable, Sendable {
    /// Which way bytes go.
    enum Direction: String, Hashable, Sendable, CaseIterable {
        /// From who connected to who is connected to: requests.
        case requests
        case replies
    }

    /// Bytes go through as they come.
    case none
    /// New connections are reset as soon as they are made; those that are open go on.
    case refused
    /// Bytes of these directions stay where they are, and nobody is told: a link that is half open. When the fault ends they
    /// arrive late, as after TCP has sent them again.
    case stalled(Set<Direction>)
    /// Each piece arrives so much later, both ways.
    case delayed(Duration)
    /// One byte, one write, both ways.
    case bytewise
    /// After so many more bytes of a direction a connection is reset, and what comes beyond them is dropped. `replies` and 0:
    /// the request is carried out, and its answer is lost.
    case cut(Direction, after: Int)
}

/// What a proxy has done since its start: the proof that a fault took place.
struct ProxyCounts: Hashable, Sendable {
    var connections = 0
    /// New connections that were reset.
    var refused = 0
    /// Connections that were reset while they were open.
    var reset = 0
    /// Connections for which there was nobody at the other end.
    var unreachable = 0
    var bytes = 0
    /// Bytes that came while their direction was stalled.
    var stalled = 0
    var delayed = 0
    /// Writes of a part of what was read.
    var pieces = 0
    /// Bytes that were dropped with a connection cut off.
    var dropped = 0
    /// Places where other bytes were put in.
    var substituted = 0

    init() {}

    static func - (after: ProxyCounts, before: ProxyCounts) -> ProxyCounts {
        var change = after
        for field in fields { change[keyPath: field] -= before[keyPath: field] }
        return change
    }

    private static var fields: [WritableKeyPath<ProxyCounts, Int>] {
        [
            \.connections, \.refused, \.reset, \.unreachable, \.bytes, \.stalled, \.delayed, \.pieces, \.dropped, \.substituted,
        ]
    }
}
