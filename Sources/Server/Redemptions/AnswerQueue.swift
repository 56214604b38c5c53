import NIOCore

/// The answers of one connection that the hot route owes, in the order of their requests. An answer that is known before its
/// turn waits.
struct AnswerQueue {
    struct Ticket: Hashable {
        fileprivate let number: Int
    }

    struct Answer {
        let call: HotCall
        let answer: RedemptionAnswer
        /// The connection ends after it.
        let isLast: Bool
    }

    // Small: nearly every client waits for each answer.
    private var slots = CircularBuffer<Answer?>(initialCapacity: 1)
    private var first = 0

    var isEmpty: Bool { slots.isEmpty }
    var count: Int { slots.count }

    mutating func reserve() -> Ticket {
        slots.append(nil)
        return Ticket(number: first + slots.count - 1)
    }

    mutating func fulfil(_ ticket: Ticket, with answer: Answer) {
        let place = slots.index(slots.startIndex, offsetBy: ticket.number - first)
        precondition(slots[place] == nil, "a request is answered once")
        slots[place] = answer
    }

    /// The next answer whose turn has come.
    mutating func next() -> Answer? {
        guard let slot = slots.first, let answer = slot else { return nil }
        slots.removeFirst()
        first += 1
        return answer
    }
}

/// Who answers on a connection: the hot route, or the other routes. Not both at a time, so that answers leave in the order of their
/// requests: a request for the one waits until the other owes nothing. Requests for the same side go on at once.
struct ConnectionTurns {
    enum Side {
        case hot
        case passed
    }

    var answers = AnswerQueue()
    /// Requests that were passed on and are not answered; for each, whether the connection stays after it.
    private(set) var passed = CircularBuffer<Bool>(initialCapacity: 1)

    var isIdle: Bool { answers.isEmpty && passed.isEmpty }
    /// Requests that are not answered yet.
    var owed: Int { answers.count + passed.count }

    /// - Parameter alone: nothing at all may be owed before it, since the client waits for `100 Continue`.
    func mayBegin(_ side: Side, alone: Bool) -> Bool {
        switch side {
        case .hot: passed.isEmpty && (!alone || answers.isEmpty)
        case .passed: answers.isEmpty && (!alone || passed.isEmpty)
        }
    }

    mutating func pass(keepAlive: Bool) { passed.append(keepAlive) }

    mutating func passedWasAnswered() { passed.removeFirst() }
}
