import NIOCore

/// Decides everything that a connection does, and performs nothing: events go in, actions come out. Time and chance are arguments.
///
///     idle → connecting → loggingIn → ready → (lost) waiting → connecting …
///     ready → draining → closed
struct ConnectionStateMachine<Completion> {
    struct Limits {
        let pending: Int
        /// How long after its deadline the oldest tombstone may still wait for its reply.
        let lateReply: TimeAmount
        let connect: TimeAmount
        let reconnect: Backoff

        /// Deadlines closer to each other than this are handled together, since each time all pending commands are looked at.
        static var timerResolution: TimeAmount { .milliseconds(1) }
    }

    enum State: Hashable {
        case idle
        /// A channel is being opened, which ends in time by itself. `until` is the deadline of the login behind it.
        case connecting(until: NIODeadline)
        /// The login commands are written; `replies` are still to come.
        case loggingIn(replies: Int, until: NIODeadline)
        case ready
        /// There is no connection. `until` is the time of the next attempt.
        case waiting(until: NIODeadline)
        /// `close` was called while somebody waits for replies.
        case draining
        case closed
    }

    /// The name of the endpoint in messages.
    private let endpoint: String
    /// True if the other end must be a primary, which the last reply to the login tells.
    private let needsPrimary: Bool
    private let limits: Limits
    private(set) var state = State.idle
    private var pending = PendingReplies<Completion>()
    /// Attempts that failed since the connection was last ready.
    private var failures = 0
    private var pauses: Backoff
    /// The error for commands while there is no connection. It is made once, so refusing is cheap.
    private(set) var absence: RedisError
    private var isFlushScheduled = false
    /// The time at which the one timer fires; `nil`: it is not set.
    private var timer: NIODeadline?

    init(endpoint: String, needsPrimary: Bool, limits: Limits) {
        self.endpoint = endpoint
        self.needsPrimary = needsPrimary
        self.limits = limits
        pauses = limits.reconnect
        absence = RedisError(.notConnected, "not yet connected to \(endpoint)")
    }

    var isReady: Bool { state == .ready }
    var isClosed: Bool { state == .closed }
    /// True between two attempts to connect.
    var isWaiting: Bool { if case .waiting = state { true } else { false } }
    var pendingCount: Int { pending.count }

    // MARK: Connecting

    /// Begins the first attempt to connect. False: it was begun before.
    mutating func start(now: NIODeadline) -> Bool {
        guard state == .idle else { return false }
        state = .connecting(until: now + limits.connect)
        return true
    }

    /// Begins the next attempt at once, since there is news of where Redis is. False: no attempt was to come.
    mutating func hurry(now: NIODeadline) -> Bool {
        guard isWaiting else { return false }
        state = .connecting(until: now + limits.connect)
        return true
    }

    enum ConnectedAction {
        case logIn(timer: NIODeadline?)
        case close
    }

    /// The channel is open, and the login is `commands` commands.
    mutating func connected(commands: Int) -> ConnectedAction {
        switch state {
        case .connecting(let until):
            state = .loggingIn(replies: commands, until: until)
            return .logIn(timer: arm(until))
        case .closed: return .close
        case .idle, .loggingIn, .ready, .waiting, .draining: preconditionFailure("connected in \(state)")
        }
    }

    // MARK: Commands

    enum SendAction {
        /// Write the commands into the outgoing bytes. Then set the timer if there is a time, and plan a flush if `flush` says so.
        case write(timer: NIODeadline?, flush: Bool)
        case refuse(RedisError)
    }

    /// Accepts the commands of all `completions`, or none of them.
    mutating func send(
        _ completions: some Collection<Completion>,
        deadline: NIODeadline,
        now: NIODeadline
    ) -> SendAction {
        if let error = refusal(of: completions.count, deadline: deadline, now: now) { return .refuse(error) }
        for completion in completions { pending.append(completion, deadline: deadline) }
        let flush = !isFlushScheduled
        isFlushScheduled = true
        return .write(timer: arm(deadline), flush: flush)
    }

    private func refusal(of count: Int, deadline: NIODeadline, now: NIODeadline) -> RedisError? {
        switch state {
        case .idle, .connecting, .loggingIn, .waiting: return absence
        case .draining, .closed: return Self.closed
        case .ready: break
        }
        guard count <= limits.pending - pending.count else {
            return RedisError(.pendingLimitReached, "\(pending.count) commands are without a reply, \(limits.pending) allowed")
        }
        guard deadline > now else { return RedisError(.deadlineExceeded, "the deadline had passed before the command was sent") }
        return nil
    }

    /// The planned flush runs. Returns whether there are bytes to write.
    mutating func flush() -> Bool {
        isFlushScheduled = false
        guard pending.unwritten > 0 else { return false }
        pending.markWritten()
        return true
    }

    // MARK: Replies

    enum ReplyAction {
        case complete(Completion)
        /// It is a reply to the login, and more of them are to come.
        case drop
        /// The reply is late, and nobody waits for it any more.
        case dropLate
        /// The login is over. The value is the primary's replication id, if it was asked for.
        case becomeReady(ReplicationID?)
        case lose(RedisError)
        /// It is the last reply that a closing connection waited for.
        case completeAndClose(Completion)
    }

    mutating func received(_ reply: RESPValue) -> ReplyAction {
        switch state {
        case .loggingIn(let replies, let until):
            if case .error(let message) = reply { return .lose(RedisError(.serverError, message)) }
            guard replies == 1 else {
                state = .loggingIn(replies: replies - 1, until: until)
                return .drop
            }
            let id: ReplicationID?
            if needsPrimary {
                switch ServerRole(reply) {
                case .primary(let own): id = own
                case .replica: return .lose(.isReplica)
                case nil: return .lose(RedisError(.protocolViolation, "it does not say whether it is a primary"))
                }
            } else {
                id = nil
            }
            state = .ready
            failures = 0
            pauses.reset()
            return .becomeReady(id)
        case .ready, .draining:
            switch pending.popFirst() {
            case .completes(let completion):
                return state == .draining && pending.live == 0 ? .completeAndClose(completion) : .complete(completion)
            case .late: return .dropLate
            case .unexpected: return .lose(RedisError(.protocolViolation, "a reply that nothing had asked for"))
            }
        case .idle, .connecting, .waiting, .closed: preconditionFailure("a reply in \(state)")
        }
    }

    // MARK: Time

    enum TimerAction {
        /// Fail these commands, outcome unknown, and set the timer again.
        case expire([Completion], timer: NIODeadline?)
        case expireAndLose([Completion], RedisError)
        case connect
        /// Fail these commands and close the connection, which was only waiting for them.
        case expireAndClose([Completion])
    }

    /// The timer fired. It may have been set for an event that is over by now.
    mutating func timerFired(now: NIODeadline) -> TimerAction {
        timer = nil
        switch state {
        case .idle, .connecting, .closed: return .expire([], timer: nil)
        case .waiting(let until):
            guard until <= now else { return .expire([], timer: arm(until)) }
            state = .connecting(until: now + limits.connect)
            return .connect
        case .loggingIn(_, let until):
            guard until <= now else { return .expire([], timer: arm(until)) }
            return .expireAndLose([], RedisError(.deadlineExceeded, "no answer to the login"))
        case .ready, .draining:
            let (expired, nextDeadline) = pending.expire(now: now)
            if state == .draining, pending.live == 0 { return .expireAndClose(expired) }
            let oldest = pending.oldestTombstone.map { $0 + limits.lateReply }
            if let oldest, oldest <= now {
                return .expireAndLose(expired, RedisError(.connectionLost, "no reply for a second deadline"))
            }
            guard let next = [oldest, nextDeadline].compactMap(\.self).min() else { return .expire(expired, timer: nil) }
            return .expire(expired, timer: arm(max(next, now + Limits.timerResolution)))
        }
    }

    /// The time to set the timer to; `nil` where it fires early enough.
    private mutating func arm(_ time: NIODeadline) -> NIODeadline? {
        if let timer, timer <= time { return nil }
        timer = time
        return time
    }

    // MARK: Endings

    struct LostAction {
        /// Commands that may have reached Redis.
        let written: [Completion]
        /// Commands that were never sent.
        let unwritten: [Completion]
        /// The time of the next attempt; `nil`: there is none.
        let timer: NIODeadline?
        /// The number of attempts that failed in a row, this one included; 0: the connection was in use.
        let failures: Int
    }

    /// The channel is gone, could not be opened, or is given up.
    /// - Parameter chance: from 0 to 1, for the jitter.
    mutating func lost(_ error: RedisError, now: NIODeadline, chance: Double) -> LostAction {
        let wasInUse: Bool
        switch state {
        case .idle, .waiting: preconditionFailure("lost in \(state)")
        case .closed: return LostAction(written: [], unwritten: [], timer: nil, failures: 0)
        case .draining:
            let (written, unwritten) = pending.removeAll()
            close()
            return LostAction(written: written, unwritten: unwritten, timer: nil, failures: 0)
        case .ready: wasInUse = true
        case .connecting, .loggingIn: wasInUse = false
        }
        let until = now + TimeAmount(pauses.next(chance: chance))
        failures += 1
        absence = RedisError(.notConnected, "not connected to \(endpoint): \(error.message)")
        state = .waiting(until: until)
        let (written, unwritten) = pending.removeAll()
        return LostAction(written: written, unwritten: unwritten, timer: arm(until), failures: wasInUse ? 0 : failures)
    }

    /// Refuses further commands. Returns whether the connection can end at once: it cannot as long as somebody waits for replies.
    mutating func requestClose() -> Bool {
        switch state {
        case .ready where pending.live > 0:
            state = .draining
            return false
        case .draining: return false
        case .idle, .connecting, .loggingIn, .ready, .waiting, .closed:
            return true
        }
    }

    private static var closed: RedisError { RedisError(.closed, "the client is closed") }

    /// Ends the connection, once nobody waits for a reply any more.
    mutating func close() {
        precondition(pending.live == 0, "closed with \(pending.live) commands pending")
        state = .closed
        absence = Self.closed
    }
}
