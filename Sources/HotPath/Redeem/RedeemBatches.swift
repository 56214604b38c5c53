import Domain
import NIOCore

/// Decides when requests are sent: of one coupon at most one call is in flight, and what came meanwhile goes in the next.
/// So a lone request is sent at once, and the greater the load, the larger the batches.
///
/// A state machine without I/O: it says what to do, `Redeemer` does it.
struct RedeemBatches<Request> {
    /// A coupon's keys are one shard's, so a call has one coupon of one shard.
    struct Line: Hashable {
        let shard: Shard
        let coupon: CouponID
    }

    enum Arrival {
        /// By itself, at once.
        case send
        case wait
        case refuse
    }

    struct Next {
        /// To be sent now in one call. Empty: nothing waits.
        var batch: [Request] = []
        /// Waited too long.
        var expired: [Request] = []
    }

    private struct Waiting {
        let request: Request
        let deadline: NIODeadline
    }

    private let batchLimit: Int
    private let waitingLimit: Int
    private let waitLimit: TimeAmount
    /// A line is here while a call of it is in flight, with what waits for the call to return. Never longer: clients make up
    /// coupon ids as they please.
    private var lines: [Line: CircularBuffer<Waiting>] = [:]
    private(set) var waitingCount = 0

    init(batchLimit: Int, waitingLimit: Int, waitLimit: TimeAmount) {
        precondition(batchLimit >= 1 && waitingLimit >= 0)
        self.batchLimit = batchLimit
        self.waitingLimit = waitingLimit
        self.waitLimit = waitLimit
    }

    mutating func arrived(_ request: Request, in line: Line, now: NIODeadline) -> Arrival {
        guard let index = lines.index(forKey: line) else {
            lines[line] = CircularBuffer()
            return .send
        }
        guard waitingCount < waitingLimit else { return .refuse }
        waitingCount += 1
        lines.values[index].append(Waiting(request: request, deadline: now + waitLimit))
        return .wait
    }

    /// The call in flight was answered.
    mutating func answered(_ line: Line, now: NIODeadline) -> Next {
        guard let index = lines.index(forKey: line) else { preconditionFailure("no call of \(line) is in flight") }
        var next = Next()
        // In the order of arrival, so those that waited too long are in front.
        while next.batch.count < batchLimit, let waiting = lines.values[index].popFirst() {
            waitingCount -= 1
            if waiting.deadline < now { next.expired.append(waiting.request) } else { next.batch.append(waiting.request) }
        }
        if next.batch.isEmpty { lines.remove(at: index) }
        return next
    }

    /// The call in flight failed, and the next would too. Returns all that waited.
    mutating func failed(_ line: Line) -> [Request] {
        guard let waiting = lines.removeValue(forKey: line) else { preconditionFailure("no call of \(line) is in flight") }
        waitingCount -= waiting.count
        return waiting.map(\.request)
    }
}
