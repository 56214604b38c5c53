public import NIOCore

/// When requests are started.
public enum Pace: Hashable, Sendable {
    /// By the clock, whatever becomes of the earlier ones: as many as `rate` a second, as users do who know nothing of each
    /// other.
    case open(rate: Double, spacing: Arrivals.Spacing)
    /// Each connection starts one as soon as it has the answer to the one before. A target that stalls is then asked less,
    /// and its stall is counted once a connection and not once a user.
    case closed
}

/// One kind of request, as reports name it.
public struct RequestKind: Hashable, Sendable {
    public let name: String
    /// Outcomes by name that are no error here.
    public let expected: Set<String>

    public init(_ name: String, expected: Set<String>) {
        self.name = name
        self.expected = expected
    }
}

/// A run: against what, how much, how long.
public struct LoadPlan: Sendable {
    public var address: SocketAddress
    /// `nil`: plain HTTP.
    public var tls: LoadTLS?
    public var pace: Pace
    public var kinds: [RequestKind]
    /// Of all threads together.
    public var connections = 64
    /// Event loops of the generator's own.
    public var threads = 1
    /// Load that is no part of the figures, before them.
    public var warmup: Duration = .zero
    public var duration: Duration
    /// Between two entries of the series.
    public var interval: Duration = .seconds(1)
    public var limits = LoadLimits()

    public init(address: SocketAddress, pace: Pace, kinds: [RequestKind], duration: Duration) {
        self.address = address
        self.pace = pace
        self.kinds = kinds
        self.duration = duration
    }

    func check() {
        limits.check()
        precondition(!kinds.isEmpty && threads > 0 && connections >= threads && duration > .zero && interval > .zero)
        switch pace {
        case .open(let rate, _): precondition(rate > 0)
        case .closed: break
        }
    }
}

/// The moments of a run, in nanoseconds of the monotonic clock.
struct RunClock: Hashable, Sendable {
    let start: UInt64
    /// End of the warm-up.
    let measured: UInt64
    let end: UInt64

    init(start: UInt64, warmup: Duration, duration: Duration) {
        self.start = start
        measured = start + warmup.nanoseconds
        end = measured + duration.nanoseconds
    }
}
