import Domain
import NIOCore

/// Batches requests by coupon. A request is sent at once if no call for its coupon is in flight. Otherwise it waits, until half of the
/// coupon's requests under way are waiting. Then these are sent together in one call, beside those in flight. So a lone request leaves at
/// once, calls grow with the load, and clients, server and Redis work at the same time instead of in turn.
///
/// It is a state machine without I/O: it decides, and `Redeemer` acts.
struct RedeemBatches<Request> {
    /// The requests that one call may have: those for one coupon in one shard, since all keys of a call are of one shard.
    struct Line: Hashable {
        let shard: Shard
        let coupon: CouponID
    }

    enum Arrival {
        /// Send this at once.
        case send(Next)
        case wait
        case refuse
    }

    struct Next {
        /// The requests to send now, in one call. Empty: send nothing.
        var batch: [Request] = []
        /// The requests that have waited too long, to be refused.
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
        /// The most requests that were under way lately, waiting or in flight. Requests that clients are about to send belong to the load
        /// too, so the number at one moment would be too small.
        private var underWay = 1

        /// True if the waiting requests are to be sent, beside the calls in flight.
        mutating func isCallDue(batchLimit: Int) -> Bool {
            underWay = max(underWay, waiting.count + inFlight)
            return waiting.count >= min(batchLimit, max((underWay + 1) / 2, RedeemBatches.leastBesideOthers))
        }

        mutating func sent(_ requests: Int) {
            calls += 1
            inFlight += requests
            // A load that is over is forgotten, half of it within eleven calls.
            underWay -= underWay / 16
        }
    }

    /// The least number of requests that is worth a call beside others: a call costs Redis as much as several requests in it.
    private static var leastBesideOthers: Int { 8 }

    private let batchLimit: Int
    private let callLimit: Int
    private let waitingLimit: Int
    private let waitLimit: TimeAmount
    /// The lines of which a call is in flight. Others are not kept, since clients can make up any number of coupon ids.
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

    /// A call with so many requests was answered. Returns what to send next.
    mutating func answered(_ requests: Int, of line: Line, now: NIODeadline) -> Next {
        let index = indexOfReturned(line, requests)
        guard lines.values[index].calls == 0 || lines.values[index].isCallDue(batchLimit: batchLimit) else { return Next() }
        let next = take(from: index, now: now)
        if lines.values[index].calls == 0 { lines.remove(at: index) }
        return next
    }

    /// A call with so many requests failed, and the next one would fail too. Returns all waiting requests of the line.
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
        // Requests wait in the order of arrival, so those that have waited too long are in front.
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
