/// What a load generator allows itself and its target. Each limit has its unit in its type or its name.
public struct LoadLimits: Sendable {
    /// A request without an answer for so long has an unknown outcome, and its connection is closed.
    public var requestTimeout: Duration = .seconds(5)
    /// Intended starts, of all threads together, that may wait for a free connection. What comes beyond is not sent.
    public var waitingStarts = 100_000
    /// How long after the end what was intended before it may still be sent and answered.
    public var drain: Duration = .seconds(10)
    /// Bytes of an answer, head and body.
    public var answerBytes = 1 << 20
    /// Connections of one thread that are being opened at once: fewer than the target's queue of them is long.
    public var connecting = 128
    /// Attempts for each connection before a run that cannot be begun is given up.
    public var connectAttempts = 5
    public var connectTimeout: Duration = .seconds(5)
    /// Before a connection that was lost is opened again.
    public var reconnectDelay: Duration = .milliseconds(100)
    /// How often requests past their limit are looked for, and so how exact that limit is.
    public var sweepInterval: Duration = .milliseconds(50)
    /// Between two wake-ups that only send. What is intended in between is sent together, so it bounds both how late a
    /// request leaves a generator that has time, and what its timer costs.
    public var tick: Duration = .microseconds(100)

    /// Different outcomes that are told apart; further ones are counted together.
    static let outcomes = 64
    /// Bytes of the receive buffer of one connection.
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
