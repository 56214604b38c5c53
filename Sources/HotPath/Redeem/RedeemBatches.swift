import Domain
import NIOCore

/// Decides when requests are sent. While a call of a coupon is in flight, what comes goes together in the next, which leaves when
/// nothing of the coupon is in flight any more, or when it is full: then there is nothing to wait for. So a lone request is sent at
/// once, and the greater the load, the larger the batches.
///
/// A state machine without I/O: it says what to do, `Redeemer` does it.
struct RedeemBatches<Request> {
    /// A coupon's keys are one shard's, so a call has one coupon of one shard.
    struct Line: Hashable {
        let shard: Shard
        let coupon: CouponID
    }

    enum Arrival {
        /// At once.
        case send(Next)
        case wait
        case refuse
    }

    struct Next {
        /// To be sent now in one call. Empty: nothing is.
        var batch: [Request] = []
        /// Waited too long.
        var expired: [Request] = []
    }

    private struct Waiting {
        let request: Request
        let deadline: NIODeadline
    }

    private struct State {
        var calls = 1
        var waiting: CircularBuffer<Waiting> = []
    }

    private let batchLimit: Int
    private let callLimit: Int
    private let waitingLimit: Int
    private let waitLimit: TimeAmount
    /// A line is here while a call of it is in flight. Never longer: clients make up coupon ids as they please.
    private var lines: [Line: State] = [:]
    private(set) var waitingCount = 0

    init(batchLimit: Int, callLimit: Int, waitingLimit: Int, waitLimit: TimeAmount) {
        precondition(batchLimit >= 1 && callLimit >= 1 && waitingLimit >= 0)
        self.batchLimit = batchLimit
        self.callLimit = callLimit
        self.waitingLimit = waitingLimit
        self.waitLimit = waitLimit
    }

    mutating func arrived(_ request: Request, in line: Line, now: NIODeadline) -> Arrival {
        guard let index = lines.index(forKey: line) else {
            lines[line] = State()
            return .send(Next(batch: [request]))
        }
        guard waitingCount < waitingLimit else { return .refuse }
        waitingCount += 1
        lines.values[index].waiting.append(Waiting(request: request, deadline: now + waitLimit))
        guard lines.values[index].waiting.count >= batchLimit, lines.values[index].calls < callLimit else { return .wait }
        return .send(take(from: index, now: now))
    }

    /// A call was answered.
    mutating func answered(_ line: Line, now: NIODeadline) -> Next {
        let index = indexOfReturned(line)
        guard lines.values[index].calls == 0 || lines.values[index].waiting.count >= batchLimit else { return Next() }
        let next = take(from: index, now: now)
        if lines.values[index].calls == 0 { lines.remove(at: index) }
        return next
    }

    /// A call failed, and the next would too. Returns all that waited.
    mutating func failed(_ line: Line) -> [Request] {
        let index = indexOfReturned(line)
        let waiting = lines.values[index].waiting
        waitingCount -= waiting.count
        lines.values[index].waiting = []
        if lines.values[index].calls == 0 { lines.remove(at: index) }
        return waiting.map(\.request)
    }

    private mutating func indexOfReturned(_ line: Line) -> Dictionary<Line, State>.Index {
        guard let index = lines.index(forKey: line) else { preconditionFailure("no call of \(line) is in flight") }
        lines.values[index].calls -= 1
        return index
    }

    private mutating func take(from index: Dictionary<Line, State>.Index, now: NIODeadline) -> Next {
        var next = Next()
        // In the order of arrival, so those that waited too long are in front.
        while next.batch.count < batchLimit, let waiting = lines.values[index].waiting.popFirst() {
            waitingCount -= 1
            if waiting.deadline < now { next.expired.append(waiting.request) } else { next.batch.append(waiting.request) }
        }
        if !next.batch.isEmpty { lines.values[index].calls += 1 }
        return next
    }
}
