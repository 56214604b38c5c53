/// A fault of the connections through a proxy, both open and new ones.
enum LinkFault: Hashable, Sendable {
    /// The direction in which bytes go.
    enum Direction: String, Hashable, Sendable, CaseIterable {
        /// From the side that connected to the other one.
        case requests
        case replies
    }

    /// Bytes go through as they come.
    case none
    /// New connections are reset as soon as they are made. Open ones go on.
    case refused
    /// Bytes of these directions are held, and nobody is told: the link is half open. When the fault ends they arrive late, as if
    /// TCP had sent them again.
    case stalled(Set<Direction>)
    /// Each piece arrives so much later, in both directions.
    case delayed(Duration)
    /// Bytes are written one by one, in both directions.
    case bytewise
    /// A connection is reset after so many more bytes of a direction, and the bytes beyond are dropped. With `replies` and 0, the
    /// request is carried out and its answer is lost.
    case cut(Direction, after: Int)
}

/// All that a proxy has done since its start. It proves that a fault took place.
struct ProxyCounts: Hashable, Sendable {
    var connections = 0
    /// New connections that were reset.
    var refused = 0
    /// Connections that were reset while they were open.
    var reset = 0
    /// Connections for which nobody listened at the other end.
    var unreachable = 0
    var bytes = 0
    /// Bytes that came while their direction was stalled.
    var stalled = 0
    var delayed = 0
    /// Writes of only a part of a read.
    var pieces = 0
    /// Bytes that were dropped by a cut.
    var dropped = 0
    /// How often a pattern was replaced.
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
