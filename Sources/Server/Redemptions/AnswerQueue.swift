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
    }

    // One slot is enough at first: nearly every client waits for each answer.
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
