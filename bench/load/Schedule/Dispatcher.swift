internal import NIOCore

/// Decides what one thread does next: which connection starts a request now, and from which moment its latency counts. No I/O.
///
/// With an open pace an arrival that finds no free connection waits, and its latency counts from its intended start. So a target
/// that stalls is charged with every request that it kept from being sent. Otherwise the stall would hide itself (Gil Tene's
/// *coordinated omission*). Connections take turns, so all of them are used.
struct Dispatcher {
    /// Whether there is a request to send.
    enum Supply {
        case ready
        /// There is none before another answer has come.
        case waiting
        case exhausted
    }

    enum Step: Hashable {
        case send(connection: Int, intended: UInt64)
        case sleep(until: UInt64)
        /// Wait until an answer or a connection has come.
        case rest
        /// Nothing will be sent any more.
        case done
    }

    private enum Source {
        case open(Arrivals, next: UInt64?)
        case closed
    }

    private let clock: RunClock
    private let waitingLimit: Int
    private var source: Source
    private var waiting = CircularBuffer<UInt64>()
    private var idle: CircularBuffer<Int>
    /// Arrivals that found the queue full.
    private(set) var notSent = 0
    private var isDone = false

    /// - Parameter idle: the connections that are open at the beginning.
    init(pace: Pace, clock: RunClock, waitingLimit: Int, idle: some Sequence<Int>, thread: Int = 0, of threads: Int = 1) {
        self.clock = clock
        self.waitingLimit = waitingLimit
        self.idle = CircularBuffer(idle)
        switch pace {
        case .closed: source = .closed
        case .open(let rate, let spacing):
            var arrivals = Arrivals(
                rate: rate,
                spacing: spacing,
                start: clock.start,
                end: clock.end,
                thread: thread,
                of: threads
            )
            let first = arrivals.next()
            source = .open(arrivals, next: first)
        }
    }

    /// Arrivals that wait for a connection or a request.
    var waitingCount: Int { waiting.count }

    /// Call this whenever something has changed, until it does not return `send`.
    mutating func step(at now: UInt64, _ supply: Supply) -> Step {
        if isDone { return .done }
        switch supply {
        case .ready, .waiting: break
        case .exhausted: return finish()
        }
        let next: UInt64?
        switch source {
        case .closed:
            guard now < clock.end else { return finish() }
            guard now >= clock.start else { return .sleep(until: clock.start) }
            guard supply == .ready, let connection = idle.popFirst() else { return .rest }
            return .send(connection: connection, intended: now)
        case .open:
            next = admit(until: now)
        }
        if waiting.isEmpty {
            // The last arrival is a little before the end of the run.
            return next != nil || now < clock.end ? .sleep(until: next ?? clock.end) : finish()
        }
        guard supply == .ready, let connection = idle.popFirst() else { return .rest }
        return .send(connection: connection, intended: waiting.removeFirst())
    }

    /// The connection can take a request.
    mutating func freed(_ connection: Int) { idle.append(connection) }

    /// The connection is gone, whether it was idle or not.
    mutating func lost(_ connection: Int) { idle.removeAll { $0 == connection } }

    /// Sends nothing more.
    /// - Parameter count: `true`: arrivals that wait are counted as not sent, because they were due.
    mutating func stop(counting count: Bool) {
        if count { notSent += waiting.count }
        _ = finish()
    }

    /// Moves arrivals that are due to those that wait.
    /// - Returns: the next arrival.
    @discardableResult
    mutating func admit(until now: UInt64) -> UInt64? {
        guard case .open(var arrivals, var next) = source else { return nil }
        guard let first = next, first <= now else { return next }
        while let due = next, due <= now {
            if waiting.count < waitingLimit { waiting.append(due) } else { notSent += 1 }
            next = arrivals.next()
        }
        source = .open(arrivals, next: next)
        return next
    }

    private mutating func finish() -> Step {
        isDone = true
        waiting.removeAll(keepingCapacity: false)
        return .done
    }
}
