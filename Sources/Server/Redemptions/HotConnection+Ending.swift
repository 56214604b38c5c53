import NIOCore
import NIOHTTP1

extension HotConnection {
    /// The decoder cannot read on.
    mutating func failed(_ error: HTTPParserError, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard mayFeed else { return actions }
        let problem =
            switch error {
            case .headerOverflow: Problem(.headersTooLarge)
            case .invalidURL: Problem(.malformedRequest, HostField.detail)
            default: Problem(.malformedRequest)
            }
        fail(problem, now, &actions)
        return actions
    }

    /// Refuses the rest of the connection, in its turn: after everything that was read before.
    private mutating func fail(_ problem: Problem, _ now: NIODeadline, _ actions: inout Actions) {
        refusal = .ofTheRest(problem)
        settle(now, &actions)
    }

    /// The server stops (SIGTERM): what was begun is finished, then the connection ends.
    mutating func quiesce(now: NIODeadline) -> Actions {
        var actions = Actions()
        if case .notWanted = end { end = .whenQuiet }
        settle(now, &actions)
        return actions
    }

    /// - Returns: true if the connection ends.
    mutating func endIfQuiet(_ actions: inout Actions) -> Bool {
        guard case .whenQuiet = end, turns.isIdle, waiting.isEmpty else { return false }
        switch reading {
        // A passed request that is still being read was answered before its body was complete.
        case .nothing, .passed:
            finish(&actions)
            return true
        case .hot, .discarded: return false
        }
    }

    /// The client will send no more, but it may still read.
    mutating func inputClosed(now: NIODeadline) -> Actions {
        var actions = Actions()
        input = .closed(isTold: false)
        switch phase {
        case .ending, .ended: break
        case .lingering: actions.append(.close)
        case .open: settle(now, &actions)
        }
        return actions
    }

    /// Those behind close. Answers that are owed come first; the connection is closed by its own timer or by the client.
    mutating func closeWanted() -> Actions {
        var actions = Actions()
        if turns.answers.isEmpty { finish(&actions) } else { end = .afterAnswers }
        return actions
    }

    /// Ends the connection after what was written so far. The client may still be sending; to close at once would make the kernel
    /// answer with a reset, which takes from the client what it has not read yet (RFC 9112, section 9.6). So only the one direction
    /// is closed, and the rest when the client has closed its own, or a little later.
    mutating func finish(_ actions: inout Actions) {
        guard isOpen else { return }
        breakBody(&actions)
        stop(.ending)
        actions.append(.end)
    }

    mutating func lastWasWritten() -> Actions {
        var actions = Actions()
        guard phase == .ending else { return actions }
        switch input {
        case .closed: actions.append(.close)
        case .open:
            phase = .lingering
            actions.append(.closeOutput)
        }
        return actions
    }

    /// Closes without regard to a client that does not read its answers.
    mutating func drop() -> Actions {
        var actions = Actions()
        guard phase != .ended else { return actions }
        breakBody(&actions)
        stop(.ending)
        actions.append(.drop)
        return actions
    }

    /// The channel is closed.
    mutating func ended() -> Actions {
        var actions = Actions()
        breakBody(&actions)
        stop(.ended)
        return actions
    }

    private mutating func stop(_ phase: Phase) {
        self.phase = phase
        reading = .discarded
        waiting.removeAll()
    }

    // MARK: Time

    /// The time at which to call `timerFired`.
    func deadline(now: NIODeadline) -> NIODeadline {
        var deadline: NIODeadline
        switch reading {
        case .hot(let request): deadline = request.call.started + TimeAmount(limits.requestTimeout)
        case .passed(let since, _): deadline = since + TimeAmount(limits.requestTimeout)
        case .nothing, .discarded:
            // A request that begins meanwhile does not touch the timer; so look no later than one may last.
            deadline = min(
                lastActivity + TimeAmount(limits.idleTimeout),
                now + TimeAmount(min(limits.headerTimeout, limits.requestTimeout))
            )
            if let headBegan { deadline = min(deadline, headBegan + TimeAmount(limits.headerTimeout)) }
        }
        if let unwritableSince { deadline = min(deadline, unwritableSince + TimeAmount(limits.writeTimeout)) }
        // A tenth of the limit from now at the earliest: a connection may be closed that much late.
        return max(deadline, now + TimeAmount(limits.requestTimeout / 10))
    }

    /// Each connection has one timer. Requests do not touch it: when it fires, it looks what is overdue. A request must be complete in
    /// time; between requests, only a finished one is a sign of life, not a header that is sent byte by byte.
    mutating func timerFired(now: NIODeadline) -> Actions {
        guard isOpen else { return Actions() }
        if let unwritableSince, now >= unwritableSince + TimeAmount(limits.writeTimeout) { return drop() }
        switch reading {
        case .hot(let request) where now >= request.call.started + TimeAmount(limits.requestTimeout):
            return endUnfinished(now: now)
        case .passed(let since, _) where now >= since + TimeAmount(limits.requestTimeout): return endUnfinished(now: now)
        case .nothing where headBegan.map { now >= $0 + TimeAmount(limits.headerTimeout) } == true:
            return endUnfinished(now: now)
        case .nothing where turns.isIdle && now >= lastActivity + TimeAmount(limits.idleTimeout):
            var actions = Actions()
            finish(&actions)
            return actions
        case .hot, .passed, .nothing, .discarded: return Actions()
        }
    }

    /// Ends a request of which the rest has not come: its time is over, or `UnfinishedRequests` has too many.
    mutating func endUnfinished(now: NIODeadline) -> Actions {
        var actions = Actions()
        guard isOpen else { return actions }
        switch reading {
        case .hot(let request):
            refuse(request.call, Problem(.requestTimeout), &actions)
            settle(now, &actions)
        case .passed:
            failPassed(Problem(.requestTimeout), now, &actions)
            settle(now, &actions)
        case .nothing where headBegan != nil:
            if case .none = refusal { fail(Problem(.requestTimeout), now, &actions) }
        case .nothing, .discarded: break
        }
        return actions
    }
}
