internal import NIOCore

/// One thread of the generator, with its connections, its share of the requests and its measurements. All of it is used on its
/// event loop alone.
final class Worker {
    let plan: LoadPlan
    let eventLoop: any EventLoop
    private let thread: Int
    private let workload: any Workload

    /// The connections by their slots; `nil` while one is being opened.
    var connections: [Connection?]
    var connectFailures = 0
    private(set) var phase = Phase.connecting
    var dispatcher: Dispatcher
    var recorder: Recorder
    private(set) var inFlight = 0
    private(set) var lost = 0
    /// The time of the next wake-up; `nil` if there is none.
    private var wakeUp: UInt64?
    private var finished: EventLoopPromise<Void>?

    enum Phase {
        case connecting
        case running
        case finished
    }

    init(plan: LoadPlan, thread: Int, eventLoop: any EventLoop, workload: any Workload) {
        self.plan = plan
        self.thread = thread
        self.eventLoop = eventLoop
        self.workload = workload
        // If the connections cannot be divided evenly, the first threads have one more.
        let count = plan.connections / plan.threads + (thread < plan.connections % plan.threads ? 1 : 0)
        connections = Array(repeating: nil, count: count)
        let clock = RunClock(start: 0, warmup: .zero, duration: .zero)
        dispatcher = Dispatcher(pace: .closed, clock: clock, waitingLimit: 0, idle: [])
        recorder = Recorder(kinds: plan.kinds.count, clock: clock)
    }

    /// Sends by the clock, on the connections that are open.
    /// - Returns: a future that succeeds when all is sent and answered, or given up.
    func begin(_ clock: RunClock) -> EventLoopFuture<Void> {
        phase = .running
        let promise = eventLoop.makePromise(of: Void.self)
        finished = promise
        recorder = Recorder(kinds: plan.kinds.count, clock: clock)
        dispatcher = Dispatcher(
            pace: plan.pace,
            clock: clock,
            waitingLimit: max(1, plan.limits.waitingStarts / plan.threads),
            idle: connections.indices.filter { connections[$0] != nil },
            thread: thread,
            of: plan.threads
        )
        schedule(at: clock.end) { $0.pump($1) }
        schedule(at: clock.end + plan.limits.drain.nanoseconds) { worker, now in
            worker.dispatcher.stop(counting: true)
            worker.pump(now)
        }
        for slot in connections.indices where connections[slot] == nil { reopen(slot) }
        sweep(NIODeadline.now().uptimeNanoseconds)
        pump(NIODeadline.now().uptimeNanoseconds)
        return promise.futureResult
    }

    /// Starts no further requests.
    func stop() {
        dispatcher.stop(counting: false)
        pump(NIODeadline.now().uptimeNanoseconds)
    }

    /// Sends all that can be sent now.
    private func pump(_ now: UInt64) {
        guard phase == .running else { return }
        while true {
            let supply: Dispatcher.Supply
            switch workload.supply {
            case .ready: supply = .ready
            case .waiting: supply = .waiting
            case .exhausted: supply = .exhausted
            }
            switch dispatcher.step(at: now, supply) {
            case .send(let slot, let intended): send(slot, intended: intended, at: now)
            case .sleep(let moment): return wake(at: max(moment, now + plan.limits.tick.nanoseconds))
            case .rest: return
            case .done:
                if inFlight == 0 { finish() }
                return
            }
        }
    }

    private func send(_ slot: Int, intended: UInt64, at now: UInt64) {
        guard let connection = connections[slot] else { preconditionFailure("connection \(slot) is idle and not there") }
        connection.outgoing.clear()
        let request = workload.next(into: &connection.outgoing)
        inFlight += 1
        recorder.requestSent()
        connection.send(Connection.InFlight(request: request, intended: intended, sent: now))
    }

    func answered(_ connection: Connection, _ head: AnswerHead, body: UnsafeRawBufferPointer, at now: UInt64) {
        guard let request = connection.inFlight else { preconditionFailure("an answer and no request") }
        connection.inFlight = nil
        inFlight -= 1
        let code = workload.outcome(status: head.status, body: body)
        recorder.answer(kind: request.request.kind, intended: request.intended, at: now, status: head.status, code: code)
        workload.ended(request.request, .answer(status: head.status, code: code, body: body))
        if head.keepsConnection, phase == .running {
            dispatcher.freed(connection.slot)
        } else {
            drop(connection)
            connection.close()
        }
        pump(now)
    }

    /// The connection cannot be used any more.
    func lost(_ connection: Connection, _ failure: TransportFailure) {
        guard connections[connection.slot] === connection else { return }
        lost += 1
        drop(connection)
        let now = NIODeadline.now().uptimeNanoseconds
        if let request = connection.inFlight {
            connection.inFlight = nil
            inFlight -= 1
            recorder.failure(failure, kind: request.request.kind, intended: request.intended, at: now)
            workload.ended(request.request, .failure(failure))
        }
        pump(now)
    }

    private func drop(_ connection: Connection) {
        connections[connection.slot] = nil
        dispatcher.lost(connection.slot)
        guard phase == .running else { return }
        reopen(connection.slot)
    }

    /// A connection was opened.
    func opened(_ connection: Connection) {
        connections[connection.slot] = connection
        switch phase {
        case .connecting: break
        case .running:
            dispatcher.freed(connection.slot)
            pump(NIODeadline.now().uptimeNanoseconds)
        case .finished: connection.close()
        }
    }

    /// Gives up requests that are past their time limit.
    private func sweep(_ now: UInt64) {
        guard phase == .running else { return }
        let limit = plan.limits.requestTimeout.nanoseconds
        for case let connection? in connections {
            guard let request = connection.inFlight, now > request.sent, now - request.sent > limit else { continue }
            lost(connection, .timeout)
            connection.close()
        }
        schedule(at: now + plan.limits.sweepInterval.nanoseconds) { $0.sweep($1) }
    }

    private func finish() {
        phase = .finished
        finished?.succeed()
    }
}

// MARK: - Time

extension Worker {
    private final class Callback: NIOScheduledCallbackHandler {
        private let worker: Worker
        private let body: (Worker, UInt64) -> Void

        init(_ worker: Worker, _ body: @escaping (Worker, UInt64) -> Void) {
            self.worker = worker
            self.body = body
        }

        func handleScheduledCallback(eventLoop: some EventLoop) { body(worker, NIODeadline.now().uptimeNanoseconds) }
    }

    /// Makes sure that `pump` runs at this moment or before.
    private func wake(at moment: UInt64) {
        if let wakeUp, wakeUp <= moment { return }
        wakeUp = moment
        schedule(at: moment) { worker, now in
            worker.wakeUp = nil
            worker.recorder.wokeUp(at: now, intended: moment)
            worker.pump(now)
        }
    }

    func schedule(at moment: UInt64, _ body: @escaping (Worker, UInt64) -> Void) {
        do {
            let callback = Callback(self, body)
            try eventLoop.assumeIsolated().scheduleCallback(at: .uptimeNanoseconds(moment), handler: callback)
        } catch {
            preconditionFailure("the generator's event loop has ended before its worker: \(error)")
        }
    }
}
