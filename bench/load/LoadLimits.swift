/// The limits of a load generator and of its target. Each has its unit in its type or its name.
public struct LoadLimits: Sendable {
    /// A request without an answer for so long has an unknown outcome, and its connection is closed.
    public var requestTimeout: Duration = .seconds(5)
    /// How many intended starts, of all threads together, may wait for a free connection. Further ones are not sent.
    public var waitingStarts = 100_000
    /// How long after the end requests that were intended before it may still be sent and answered.
    public var drain: Duration = .seconds(10)
    /// The most bytes of an answer, head and body.
    public var answerBytes = 1 << 20
    /// How many connections one thread opens at once. The target's queue of new connections has room for more.
    public var connecting = 128
    /// How often each connection is tried before a run that cannot begin is given up.
    public var connectAttempts = 5
    public var connectTimeout: Duration = .seconds(5)
    /// The pause before a lost connection is opened again.
    public var reconnectDelay: Duration = .milliseconds(100)
    /// How often requests past their limit are looked for, and so how exact that limit is.
    public var sweepInterval: Duration = .milliseconds(50)
    /// The time between two wake-ups that only send. Requests that are intended in between are sent together. So this bounds how
    /// late a request leaves a generator that has time, and how much processor time its timer takes.
    public var tick: Duration = .microseconds(100)

    /// How many different outcomes are counted separately. Further ones are counted together.
    static let outcomes = 64
    /// The bytes of one connection's receive buffer.
    static let receiveBytes = 4096

    public init() {}

    func check() {
        precondition(requestTimeout > sweepInterval && sweepInterval > .zero && tick > .zero && drain >= requestTimeout)
        precondition(waitingStarts > 0 && answerBytes >= LoadLimits.receiveBytes)
        precondition(connecting > 0 && connectAttempts > 0 && connectTimeout > .zero)
    }
}

extension Duration {
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
