import Domain
import NIOCore

/// Batches requests by coupon. A request is sent at once if no call of its coupon is in flight. Otherwise it waits until half of all
/// that are under way wait: then they are sent in one call, beside those in flight. So a lone request leaves at once, clients, server
/// and Redis work at the same time instead of in turn, and the greater the load, the larger the calls.
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
        /// Requests in these calls.
        var inFlight = 1
        var waiting: CircularBuffer<Waiting> = []
        /// Requests that were under way, waiting or in flight: the most of late. Those that clients are about to send belong to the load
        /// too, and how many are under way at one moment does not tell.
        private var underWay = 1

        /// Whether those that wait are to leave beside the calls in flight.
        mutating func isCallDue(batchLimit: Int) -> Bool {
            underWay = max(underWay, waiting.count + inFlight)
            return waiting.count >= min(batchLimit, max((underWay + 1) / 2, RedeemBatches.leastBesideOthers))
        }

        mutating func sent(_ requests: Int) {
            calls += 1
            inFlight += requests
            // A load that is over is forgotten: half of it within eleven calls.
            underWay -= underWay / 16
        }
    }

    /// Requests that are worth a call beside others. A call costs Redis as much as several requests in it.
    private static var leastBesideOthers: Int { 8 }

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
        guard lines.values[index].isCallDue(batchLimit: batchLimit), lines.values[index].calls < callLimit else { return .wait }
        return .send(take(from: index, now: now))
    }

    /// A call of `requests` was answered.
    mutating func answered(_ requests: Int, of line: Line, now: NIODeadline) -> Next {
        let index = indexOfReturned(line, requests)
        guard lines.values[index].calls == 0 || lines.values[index].isCallDue(batchLimit: batchLimit) else { return Next() }
        let next = take(from: index, now: now)
        if lines.values[index].calls == 0 { lines.remove(at: index) }
        return next
    }

    /// A call of `requests` failed, and the next would too. Returns all that waited.
    mutating func failed(_ requests: Int, of line: Line) -> [Request] {
        let index = indexOfReturned(line, requests)
        let waiting = lines.values[index].waiting
        waitingCount -= waiting.count
        lines.values[index].waiting = []
        if lines.values[index].calls == 0 { lines.remove(at: index) }
        return waiting.map(\.request)
    }

    private mutating func indexOfReturned(_ line: Line, _ requests: Int) -> Dictionary<Line, State>.Index {
        guard let index = lines.index(forKey: line) else { preconditionFailure("no call of \(line) is in flight") }
        lines.values[index].calls -= 1
        lines.values[index].inFlight -= requests
        let state = lines.values[index]
        precondition((state.calls == 0) == (state.inFlight == 0), "\(requests) were not a call of \(line)")
        return index
    }

    private mutating func take(from index: Dictionary<Line, State>.Index, now: NIODeadline) -> Next {
        var next = Next()
        // In the order of arrival, so those that waited too long are in front.
        while next.batch.count < batchLimit, let waiting = lines.values[index].waiting.popFirst() {
            waitingCount -= 1
            if waiting.deadline < now { next.expired.append(waiting.request) } else { next.batch.append(waiting.request) }
        }
        if !next.batch.isEmpty {
            lines.values[index].sent(next.batch.count)
        }
        return next
    }
}
