import NIOCore

/// Decides whether the hot route or the other routes answer on a connection. Only one side answers at a time, so that answers
/// leave in the order of their requests: a request for one side waits until the other owes nothing. Requests for the same side do
/// not wait.
struct ConnectionTurns {
    enum Side {
        case hot
        case passed
    }

    var answers = AnswerQueue()
    /// Requests that were passed on and are not answered yet. `true`: the connection stays open after the answer.
    private(set) var passed = CircularBuffer<Bool>(initialCapacity: 1)

    var isIdle: Bool { answers.isEmpty && passed.isEmpty }
    /// Requests that are not answered yet.
    var owed: Int { answers.count + passed.count }

    /// True if a request for the side may begin.
    /// - Parameter alone: no answer may be owed at all, since the client waits for `100 Continue`.
    func mayBegin(_ side: Side, alone: Bool) -> Bool {
        switch side {
        case .hot: passed.isEmpty && (!alone || answers.isEmpty)
        case .passed: answers.isEmpty && (!alone || passed.isEmpty)
        }
    }

    mutating func pass(keepAlive: Bool) { passed.append(keepAlive) }

    mutating func passedWasAnswered() { passed.removeFirst() }
}
