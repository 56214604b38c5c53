public import NIOCore

/// The moments at which requests are started.
public enum Pace: Hashable, Sendable {
    /// Requests start by the clock, as many as `rate` a second, whatever happens to earlier ones. Users who know nothing of each
    /// other do so.
    case open(rate: Double, spacing: Arrivals.Spacing)
    /// Each connection starts a request as soon as it has the answer to the one before. A target that stalls then gets fewer
    /// requests, and its stall is counted once for each connection and not for each user.
    case closed
}

/// One kind of request, with its name in reports.
public struct RequestKind: Hashable, Sendable {
    public let name: String
    /// The names of outcomes that are no error.
    public let expected: Set<String>

    public init(_ name: String, expected: Set<String>) {
        self.name = name
        self.expected = expected
    }
}

/// A run: its target, its load and its time.
public struct LoadPlan: Sendable {
    public var address: SocketAddress
    /// `nil`: plain HTTP.
    public var tls: LoadTLS?
    public var pace: Pace
    public var kinds: [RequestKind]
    /// The connections of all threads together.
    public var connections = 64
    /// The generator's event loops.
    public var threads = 1
    /// How long the load goes on before the figures begin.
    public var warmup: Duration = .zero
    public var duration: Duration
    /// The time between two entries of the series.
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
    /// The end of the warm-up.
    let measured: UInt64
    let end: UInt64

    init(start: UInt64, warmup: Duration, duration: Duration) {
        self.start = start
        measured = start + warmup.nanoseconds
        end = measured + duration.nanoseconds
    }
}
