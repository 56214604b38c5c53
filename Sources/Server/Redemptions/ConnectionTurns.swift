import NIOCore

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
