import Logging
import NIOCore

/// Asks the Sentinels, or the nodes of a cluster, where the primary is: for each attempt to connect, and from time to time, since a
/// primary that was replaced may go on taking commands. Bound to an event loop.
final class PrimaryWatch {
    typealias Testimony = PrimaryGuide.Testimony

    /// A cluster may have hundreds of nodes. Those that the URL names are asked in any case.
    private static let discoveredLimit = 32

    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let guide: PrimaryGuide
    private let timeout: TimeAmount
    private let interval: TimeAmount
    private let logger: Logger
    private let named: [RedisEndpoint.Node]
    private var connections: [RedisEndpoint.Node: RedisConnection] = [:]
    /// Who can be asked, by the answer that was followed last.
    private var guides: [RedisEndpoint.Node] = []
    private var view = PrimaryView()
    private var isClosed = false
    /// Who waits for the look that is under way.
    private var waiters: [EventLoopPromise<PrimaryLocation>] = []
    private var repetition: Scheduled<Void>?
    private var follow: (PrimaryLocation) -> Void = { _ in }

    /// `nil`: the endpoint says where Redis is.
    init?(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        guard let (guide, nodes) = configuration.guides else { return nil }
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        self.guide = guide
        named = nodes
        timeout = TimeAmount(configuration.watchTimeout)
        interval = TimeAmount(configuration.watchInterval)
        for node in nodes { connections[node] = connection(to: node) }
    }

    private func connection(to node: RedisEndpoint.Node) -> RedisConnection {
        var own = configuration.node(node)
        own.peer = guide.peer
        own.clientName += "-watch"
        let connector = RedisConnector(own)
        return RedisConnection(
            configuration: own,
            eventLoop: eventLoop,
            connect: { connector.connect(on: $0) },
            readiness: Readiness(),
            logger: logger
        )
    }

    /// - Parameter follow: told of each place that the primary is found at, the same one often.
    func start(follow: @escaping (PrimaryLocation) -> Void) {
        eventLoop.preconditionInEventLoop()
        self.follow = follow
        for connection in connections.values { connection.start() }
        scheduleLook()
    }

    private func scheduleLook() {
        repetition = eventLoop.assumeIsolated().scheduleTask(in: interval) {
            // Callers that wait for it are told why it failed.
            if self.waiters.isEmpty { self.look() }
            self.scheduleLook()
        }
    }

    /// Where the primary is, by a look that ends after this was called.
    func locate(_ promise: EventLoopPromise<PrimaryLocation>) {
        eventLoop.preconditionInEventLoop()
        waiters.append(promise)
        if waiters.count == 1 { look() }
    }

    func close() {
        eventLoop.preconditionInEventLoop()
        isClosed = true
        repetition?.cancel()
        for connection in connections.values { connection.close {} }
    }

    /// Asks those that are connected or about to be; all, where none is.
    private func look() {
        let deadline = eventLoop.now + timeout
        let present = connections.filter { $0.value.isConnected || $0.value.isConnecting }
        let asked = present.isEmpty ? connections : present
        var answers: [Testimony] = []
        var failure = RedisError(.notConnected, "nobody of \(guide.name) answers")
        var missing = asked.count
        for (node, connection) in asked {
            ask(connection, at: node, deadline) { result in
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
        at node: RedisEndpoint.Node,
        _ deadline: NIODeadline,
        _ completion: @escaping (Result<Testimony, RedisError>) -> Void
    ) {
        let guide = guide
        connection.whenReady(deadline: deadline) { error in
            if let error { return completion(.failure(error)) }
            connection.pipeline(guide.questions, deadline: deadline) { result in
                completion(
                    result.flatMap { replies in
                        Result { () throws(RedisError) in try guide.testimony(replies, of: node) }
                    }
                )
            }
        }
    }

    private func conclude(_ answers: [Testimony], _ failure: RedisError) {
        let waiting = waiters
        waiters = []
        let before = view.current
        let isMajority = guide.isMajority(answers, of: named.count)
        guard let primary = view.learn(answers.map(\.primary), isMajority: isMajority) else {
            // They may be of a cluster that was made in place of another, so those that they know are asked too.
            if let known = answers.max(by: { $0.primary.epoch < $1.primary.epoch })?.guides { meet(known, beside: guides) }
            let behind = RedisError(.notConnected, "those of \(guide.name) that answer have missed a failover")
            for waiter in waiting { waiter.fail(answers.isEmpty ? failure : behind) }
            return
        }
        if let before, before != primary {
            logger.notice("the primary has moved", metadata: ["from": "\(before.node)", "to": "\(primary.node)"])
        }
        if let known = answers.first(where: { $0.primary == primary })?.guides {
            guides = known
            meet(known)
        }
        // Before those who wait go there.
        follow(primary)
        for waiter in waiting { waiter.succeed(primary) }
    }

    /// From now on asks these, beside those that the URL names, and nobody else.
    private func meet(_ guides: [RedisEndpoint.Node], beside others: [RedisEndpoint.Node] = []) {
        guard !isClosed else { return }
        let wanted = [guides, others].reduce(into: Set(named)) { wanted, nodes in
            let sorted = Set(nodes).sorted { ($0.host, $0.port) < ($1.host, $1.port) }
            wanted.formUnion(sorted.prefix(PrimaryWatch.discoveredLimit))
        }
        for (node, connection) in connections where !wanted.contains(node) {
            connections[node] = nil
            connection.close {}
        }
        for node in wanted where connections[node] == nil {
            let connection = connection(to: node)
            connections[node] = connection
            connection.start()
        }
    }
}
