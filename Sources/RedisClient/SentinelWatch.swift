import Logging
import NIOCore

/// Asks the Sentinels where the primary is: for each attempt to connect, and from time to time, since a primary that was replaced may
/// still take commands. It is bound to an event loop.
final class SentinelWatch {
    typealias Answer = SentinelView.Answer

    private let eventLoop: any EventLoop
    private let connections: [RedisConnection]
    private let name: String
    private let timeout: TimeAmount
    private let interval: TimeAmount
    private let logger: Logger
    private var view: SentinelView
    /// The callers that wait for the look that is under way.
    private var waiters: [EventLoopPromise<Answer>] = []
    private var repetition: Scheduled<Void>?
    private var follow: (Answer) -> Void = { _ in }

    /// `nil`: the endpoint names no Sentinels.
    init?(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        guard case .sentinels(let nodes, let primary) = configuration.endpoint.address else { return nil }
        self.eventLoop = eventLoop
        self.logger = logger
        name = primary
        timeout = TimeAmount(configuration.sentinelTimeout)
        interval = TimeAmount(configuration.sentinelInterval)
        view = SentinelView(sentinels: nodes.count)
        connections = nodes.map { node in
            var own = configuration
            own.endpoint = configuration.endpoint.sentinel(node)
            own.peer = .sentinel
            own.clientName += "-sentinel"
            let connector = RedisConnector(own)
            return RedisConnection(
                configuration: own,
                eventLoop: eventLoop,
                connect: { connector.connect(on: $0) },
                readiness: Readiness(),
                logger: logger
            )
        }
    }

    /// - Parameter follow: called with each answer, also with the same one again.
    func start(follow: @escaping (Answer) -> Void) {
        eventLoop.preconditionInEventLoop()
        self.follow = follow
        for connection in connections { connection.start() }
        scheduleLook()
    }

    private func scheduleLook() {
        repetition = eventLoop.assumeIsolated().scheduleTask(in: interval) {
            // If callers wait, a look is under way already.
            if self.waiters.isEmpty { self.look() }
            self.scheduleLook()
        }
    }

    /// Tells where the primary is, by a look that ends after this call.
    func locate(_ promise: EventLoopPromise<Answer>) {
        eventLoop.preconditionInEventLoop()
        waiters.append(promise)
        if waiters.count == 1 { look() }
    }

    func close() {
        eventLoop.preconditionInEventLoop()
        repetition?.cancel()
        for connection in connections { connection.close {} }
    }

    /// Asks the Sentinels that are connected or about to be; if there are none, all of them.
    private func look() {
        let deadline = eventLoop.now + timeout
        let present = connections.filter { $0.isConnected || $0.isConnecting }
        let asked = present.isEmpty ? connections : present
        var answers: [SentinelView.Answer] = []
        var failure = RedisError(.notConnected, "no Sentinel answers")
        var missing = asked.count
        for connection in asked {
            ask(connection, deadline) { result in
                switch result {
                case .success(let answer): answers.append(answer)
                case .failure(let error): failure = error
                }
                missing -= 1
                if missing == 0 { self.conclude(answers, failure) }
            }
        }
    }

    private func ask(
        _ connection: RedisConnection,
        _ deadline: NIODeadline,
        _ completion: @escaping (Result<SentinelView.Answer, RedisError>) -> Void
    ) {
        let name = name
        connection.whenReady(deadline: deadline) { error in
            if let error { return completion(.failure(error)) }
            connection.pipeline(SentinelView.Answer.questions(primary: name), deadline: deadline) { result in
                completion(
                    result.flatMap { replies in
                        Result { () throws(RedisError) in try SentinelView.Answer(replies, primary: name) }
                    }
                )
            }
        }
    }

    private func conclude(_ answers: [SentinelView.Answer], _ failure: RedisError) {
        let waiting = waiters
        waiters = []
        let before = view.current
        guard let answer = view.learn(answers) else {
            let behind = RedisError(.notConnected, "those Sentinels that answer have missed a failover")
            for waiter in waiting { waiter.fail(answers.isEmpty ? failure : behind) }
            return
        }
        if let before, before != answer {
            logger.notice("the primary has moved", metadata: ["from": "\(before.primary)", "to": "\(answer.primary)"])
        }
        // The connections hear of it before the waiters connect.
        follow(answer)
        for waiter in waiting { waiter.succeed(answer) }
    }
}
