import NIOCore
import NIOHTTP1

extension HotConnection {
    // MARK: The hot route's answers

    mutating func decided(_ call: HotCall, _ ticket: AnswerQueue.Ticket, _ answer: RedemptionAnswer, now: NIODeadline) -> Actions
    {
        var actions = Actions()
        if phase == .ended { return actions }
        turns.answers.fulfil(ticket, with: AnswerQueue.Answer(call: call, answer: answer))
        settle(now, &actions)
        return actions
    }

    /// Refuses a request, and all behind it.
    mutating func refuse(_ call: HotCall, _ problem: Problem, _ actions: inout Actions) {
        reading = .discarded
        actions.append(.refused(call, problem))
        var call = call
        call.connection = .close
        turns.answers.fulfil(turns.answers.reserve(), with: AnswerQueue.Answer(call: call, answer: .refused(problem)))
    }

    mutating func writeAnswers(_ now: NIODeadline, _ actions: inout Actions) {
        while isOpen, let next = turns.answers.next() {
            lastActivity = now
            // The last answer of a connection that is to end says so. An earlier one must not: it would cut off those behind it.
            let isLast = next.call.connection == .close || (isToEnd && turns.answers.isEmpty && waiting.isEmpty)
            actions.append(.write(next.call, next.answer, isLast ? .close : next.call.connection))
            if isLast { finish(&actions) }
        }
    }

    /// True if the connection ends after the answers that are owed.
    private var isToEnd: Bool {
        switch (end, reading) {
        case (.notWanted, _): false
        // The request was begun, so it is finished.
        case (.whenQuiet, .hot): false
        case (.whenQuiet, .nothing), (.whenQuiet, .passed), (.whenQuiet, .discarded), (.afterAnswers, _): true
        }
    }

    /// Answers a connection, rather than a request on it, and ends it.
    mutating func refuse(_ problem: Problem, _ now: NIODeadline, _ actions: inout Actions) {
        refusal = .none
        // The last answer of the connection has been found already.
        if case .discarded = reading { return }
        refuse(HotCall(started: now, requestID: newID(), connection: .close, isRedemption: false), problem, &actions)
    }

    // MARK: Answers of those behind

    /// The head of an answer, or of an interim one, as it is to be written.
    mutating func passedHead(_ head: HTTPResponseHead) -> HTTPResponseHead {
        guard head.status.code >= 200 else { return head }
        let isLast = turns.passed.first == false || (isToEnd && turns.passed.count == 1 && waiting.isEmpty)
        passedAnswer = .begun(isLast: isLast)
        guard isLast else { return head }
        if case .nothing = reading { reading = .discarded }
        var head = head
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        return head
    }

    /// True if parts of an answer may be written.
    var isPassedAnswerDue: Bool { isOpen && !turns.passed.isEmpty }

    /// The answer was written to its end.
    mutating func passedEnd(now: NIODeadline) -> Actions {
        var actions = Actions()
        turns.passedWasAnswered()
        lastActivity = now
        if case .begun(isLast: true) = passedAnswer { finish(&actions) }
        passedAnswer = .notBegun
        settle(now, &actions)
        return actions
    }

    /// Answers a passed request in place of those behind, because its body will not be complete.
    mutating func failPassed(_ problem: Problem, _ now: NIODeadline, _ actions: inout Actions) {
        breakBody(&actions)
        // Requests before it are answered first.
        guard turns.passed.count <= 1 else {
            reading = .discarded
            refusal = .ofThePassed(problem)
            return
        }
        guard turns.passed.count == 1, case .notBegun = passedAnswer else { return finish(&actions) }
        turns.passedWasAnswered()
        // With `discarded`, `refuse` would take the request for answered.
        reading = .nothing
        refuse(problem, now, &actions)
    }

    /// The rest of a body does not come. Those behind are told to forget the part that they have, and do nothing of what it asks for.
    mutating func breakBody(_ actions: inout Actions) {
        if case .passed = reading { actions.append(.passBreak) }
    }
}
