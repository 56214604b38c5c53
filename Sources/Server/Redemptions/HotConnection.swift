import NIOCore
import NIOHTTP1

/// Decides what happens on a connection of the API: which requests the hot route answers and which are passed on, in which order
/// answers leave, what a client may send and how slowly, and how the connection ends.
///
/// A state machine without I/O: it is told what happened and says what to do, and `HotRouteHandler` does it. `HotConnection+Reading`
/// takes requests in, `+Answering` lets answers out, `+Ending` ends the connection and holds its limits of time.
///
/// *Behind* are the later handlers of the pipeline, which lead to Hummingbird's router. A request that the hot route does not answer is
/// *passed* to them.
struct HotConnection {
    enum Action {
        /// Give this part to the handlers behind.
        case pass(HTTPServerRequestPart)
        case passReadComplete
        case passInputClosed
        /// Tell those behind that the request of which they have a part will not be complete.
        case passBreak
        /// Have this decided, and tell `decided` the answer.
        case redeem(HotRequest, AnswerQueue.Ticket)
        /// Count a request that is refused without a decision.
        case refused(HotCall, Problem)
        case write(HotCall, RedemptionAnswer, HotCall.Connection)
        case writeContinue
        /// Ask the channel for more.
        case read
        /// Write what is left, then tell `lastWasWritten`.
        case end
        /// Close our direction. The client has `lingerTimeout` to close its own.
        case closeOutput
        case close
        /// Close without regard to what the client has not taken.
        case drop
    }

    enum Phase {
        case open
        /// The last answer is written, and the kernel does not have all of it yet. What still comes is dropped.
        case ending
        /// The kernel has all of it, and the client is given time to read it.
        case lingering
        case ended
    }

    /// The request that is being read: the part that is taken next belongs to it.
    enum Reading {
        case nothing
        case hot(HotRequest)
        /// `bytes` of its body were passed on.
        case passed(since: NIODeadline, bytes: Int)
        /// The rest of a request that has its answer already, or of a connection that is about to end.
        case discarded
    }

    /// The refusal that is still to be written. It ends the connection.
    enum Refusal {
        case none
        /// All that has not been received yet, after the parts in `waiting`.
        case ofTheRest(Problem)
        /// A request of which a part was passed on, after those before it have been answered.
        case ofThePassed(Problem)
    }

    /// The answer to the first request that was passed on.
    enum PassedAnswer {
        case notBegun
        case begun(isLast: Bool)
    }

    enum ClientInput {
        case open
        /// Those behind close the connection when they are told, so they are told after the hot route's last answer.
        case closed(isTold: Bool)
    }

    /// The reason for which the connection is to end by itself.
    enum End {
        case notWanted
        /// The server stops: what was begun is finished.
        case whenQuiet
        /// Those behind have no more to say.
        case afterAnswers
    }

    let limits: ServerLimits
    let newID: () -> RequestID

    var phase = Phase.open
    var reading = Reading.nothing
    var turns = ConnectionTurns()
    /// Parts of requests whose turn has not come. While there are any, nothing more is read.
    var waiting = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 1)
    var refusal = Refusal.none
    var passedAnswer = PassedAnswer.notBegun
    var input = ClientInput.open
    var end = End.notWanted
    var boundary = DecoderBoundary()
    /// The decoder has produced no part from the bytes that it was given last.
    var decoderIsSilent = false
    /// The time since which the decoder has had a part of a head, as far as that can be told.
    var headBegan: NIODeadline?
    /// A `read` was held back; it is made when `mayRead` holds again.
    var readIsHeld = false
    /// The time of the last sign of life that counts; see `timerFired`.
    var lastActivity: NIODeadline
    /// The time since which the channel has not been writable, because the client does not read its answers.
    var unwritableSince: NIODeadline?

    init(limits: ServerLimits, now: NIODeadline, newID: @escaping () -> RequestID) {
        self.limits = limits
        self.newID = newID
        lastActivity = now
    }

    var isOpen: Bool {
        switch phase {
        case .open: true
        case .ending, .lingering, .ended: false
        }
    }

    /// True if parts are still taken. Otherwise they are dropped: the connection ends, or the rest is to be refused.
    private var takesMore: Bool {
        guard isOpen else { return false }
        switch refusal {
        case .none, .ofThePassed: return true
        case .ofTheRest: return false
        }
    }

    // MARK: After each event

    /// Does what has become due: answers whose turn has come, parts that waited, a refusal, an end.
    mutating func settle(_ now: NIODeadline, _ actions: inout Actions) {
        var tookAny = false
        while isOpen {
            writeAnswers(now, &actions)
            guard isOpen, !endIfQuiet(&actions) else { break }
            if let part = waiting.first, take(part, now, &actions) {
                // Taking the part may have ended the connection and emptied `waiting`.
                if !waiting.isEmpty { waiting.removeFirst() }
                tookAny = true
                continue
            }
            guard waiting.isEmpty, refuseIfDue(now, &actions) else { break }
        }
        if tookAny { actions.append(.passReadComplete) }
        guard isOpen else { return }
        if waiting.isEmpty, turns.answers.isEmpty {
            if case .closed(isTold: false) = input, case .none = refusal {
                input = .closed(isTold: true)
                actions.append(.passInputClosed)
            }
            if case .afterAnswers = end { return finish(&actions) }
        }
        if readIsHeld, mayRead {
            readIsHeld = false
            actions.append(.read)
        }
    }

    /// - Returns: true if something was refused.
    private mutating func refuseIfDue(_ now: NIODeadline, _ actions: inout Actions) -> Bool {
        switch refusal {
        case .none: return false
        case .ofTheRest(let problem):
            if case .passed = reading {
                refusal = .none
                failPassed(problem, now, &actions)
                return true
            }
            guard turns.passed.isEmpty else { return false }
            refuse(problem, now, &actions)
            return true
        case .ofThePassed(let problem):
            guard turns.passed.count <= 1 else { return false }
            refusal = .none
            failPassed(problem, now, &actions)
            return true
        }
    }

    // MARK: Events of the channel

    /// Returns true if the channel may be asked for more now. Otherwise `Action.read` asks later.
    mutating func readWanted() -> Bool {
        // A closed input need not be checked: NIO reads nothing from it.
        guard isOpen, !mayRead else { return true }
        readIsHeld = true
        return false
    }

    /// Nothing more is read from a client that has enough under way, or that does not read its answers.
    private var mayRead: Bool {
        waiting.isEmpty && turns.owed < limits.pipelinedRequests && unwritableSince == nil
    }

    mutating func writabilityChanged(_ isWritable: Bool, now: NIODeadline) -> Actions {
        var actions = Actions()
        unwritableSince = isWritable ? nil : now
        settle(now, &actions)
        return actions
    }

    /// The decoder has read a part of a request.
    mutating func received(_ part: HTTPServerRequestPart, now: NIODeadline) -> Actions {
        var actions = Actions()
        boundary.saw(part)
        decoderIsSilent = false
        headBegan = nil
        guard takesMore else { return actions }
        if !waiting.isEmpty || !take(part, now, &actions) { waiting.append(part) }
        settle(now, &actions)
        return actions
    }

    // MARK: Bytes, before the decoder

    /// True if the decoder is to get bytes. It gets none that stand behind the last request of the connection.
    var mayFeed: Bool {
        if case .discarded = reading { return false }
        return takesMore
    }

    mutating func feeding(_ bytes: ByteBuffer) {
        boundary.feed(bytes)
        decoderIsSilent = true
    }

    /// The decoder has read all that it can of these bytes.
    mutating func fed(_ bytes: ByteBuffer, now: NIODeadline) {
        boundary.settle()
        // A whole head would have produced a part. So these bytes are of a head that is not whole, or empty lines before one.
        guard decoderIsSilent, headBegan == nil, case .nothing = reading else { return }
        if bytes.readableBytesView.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }) {
            headBegan = now
        }
    }

    /// True if a part of a request is here and the rest is not.
    var isUnfinished: Bool {
        guard isOpen else { return false }
        switch reading {
        case .hot, .passed: return true
        case .nothing: return headBegan != nil
        case .discarded: return false
        }
    }

    /// True if the next byte may begin a plain redemption.
    var mayTakePlain: Bool {
        guard boundary.isKnown, takesMore, waiting.isEmpty, case .nothing = reading else { return false }
        return turns.mayBegin(.hot, alone: false)
    }

    /// A plain redemption was read, without the decoder.
    mutating func tookPlain(now: NIODeadline) -> AnswerQueue.Ticket {
        lastActivity = now
        return turns.answers.reserve()
    }
}

/// The actions to perform, in order. Nearly every event has at most one, which is stored without an allocation.
struct Actions: Sequence {
    private var first: HotConnection.Action?
    private var others: [HotConnection.Action] = []

    mutating func append(_ action: HotConnection.Action) {
        if first == nil { first = action } else { others.append(action) }
    }

    consuming func makeIterator() -> Iterator { Iterator(first: first, others: others[...]) }

    struct Iterator: IteratorProtocol {
        fileprivate var first: HotConnection.Action?
        fileprivate var others: ArraySlice<HotConnection.Action>

        mutating func next() -> HotConnection.Action? {
            guard let action = first else { return others.popFirst() }
            first = nil
            return action
        }
    }
}
