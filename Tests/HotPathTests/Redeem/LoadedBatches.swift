import Domain
import NIOCore

@testable import HotPath

/// `RedeemBatches` under the load of clients that ask again when they are answered, in simulated time. An event loop reads requests
/// and writes answers one after the other, and one Redis decides call after call.
struct LoadedBatches {
    struct Costs {
        /// Nanoseconds of the event loop for a request and for its answer.
        var read = 10_000
        var write = 10_000
        /// Nanoseconds of Redis for a call, and for each request in it.
        var call = 35_000
        var decision = 10_000
    }

    /// Requests in each call, and calls in flight after it was sent, in the order of sending.
    private(set) var sizes: [Int] = []
    private(set) var callsUnderWay: [Int] = []
    /// Numbers of requests in the order of sending; requests are numbered as they arrive.
    private(set) var sent: [Int] = []
    private(set) var answersByClient: [Int]
    /// Nanoseconds since the beginning; of these the event loop worked, and Redis did.
    private(set) var time = 0
    private(set) var loopWorked = 0
    private(set) var redisWorked = 0

    private struct Request {
        let number: Int
        let client: Int
    }

    private struct Decided {
        let at: Int
        let batch: [Request]
    }

    private let costs: Costs
    private let line = RedeemBatches<Request>.Line(shard: Shard(index: 0), coupon: CouponID("x")!)
    private var batches: RedeemBatches<Request>
    /// Clients whose requests lie in the sockets, and since when.
    private var asked: CircularBuffer<(client: Int, at: Int)>
    private var decided: CircularBuffer<Decided> = []
    private var redisIsFreeAt = 0
    private var requests = 0

    init(clients: Int, costs: Costs = Costs(), batchLimit: Int = 64, callLimit: Int = 16) {
        self.costs = costs
        batches = RedeemBatches(batchLimit: batchLimit, callLimit: callLimit, waitingLimit: clients, waitLimit: .hours(1))
        answersByClient = Array(repeating: 0, count: clients)
        asked = CircularBuffer((0..<clients).map { ($0, 0) })
    }

    /// Until so many are answered.
    mutating func go(answers: Int) {
        var answered = 0
        while answered < answers {
            if let reply = decided.first, reply.at <= time || asked.first.map({ reply.at <= $0.at }) ?? true {
                decided.removeFirst()
                time = max(time, reply.at)
                send(batches.answered(reply.batch.count, of: line, now: now))
                for request in reply.batch {
                    work(costs.write)
                    answersByClient[request.client] += 1
                    asked.append((request.client, time))
                }
                answered += reply.batch.count
            } else {
                let (client, at) = asked.removeFirst()
                time = max(time, at)
                work(costs.read)
                let request = Request(number: requests, client: client)
                requests += 1
                switch batches.arrived(request, in: line, now: now) {
                case .send(let next): send(next)
                case .wait: break
                case .refuse: preconditionFailure("there is room for each client")
                }
            }
        }
    }

    private mutating func work(_ nanoseconds: Int) {
        time += nanoseconds
        loopWorked += nanoseconds
    }

    private var now: NIODeadline { .uptimeNanoseconds(UInt64(time)) }

    private mutating func send(_ next: RedeemBatches<Request>.Next) {
        precondition(next.expired.isEmpty)
        guard !next.batch.isEmpty else { return }
        let work = costs.call + next.batch.count * costs.decision
        redisWorked += work
        redisIsFreeAt = max(redisIsFreeAt, time) + work
        decided.append(Decided(at: redisIsFreeAt, batch: next.batch))
        sizes.append(next.batch.count)
        callsUnderWay.append(decided.count)
        sent += next.batch.map(\.number)
    }
}
