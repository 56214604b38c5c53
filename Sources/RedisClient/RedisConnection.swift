import CoreMetrics
import Logging
public import NIOCore

/// One connection to Redis, bound to an event loop: all calls are made there and all answers come there. It reconnects by itself, with a
/// growing wait. `RedisClient.connection(on:)` has it.
///
/// Commands sent within one tick of the loop leave in one write.
public final class RedisConnection {
    /// An error reply to the command is a failure, of code `serverError`.
    public typealias Completion = (Result<RESPValue, RedisError>) -> Void
    typealias Connect = @Sendable (any EventLoop) -> EventLoopFuture<RedisChannel>

    public let eventLoop: any EventLoop
    /// The id of the Redis at the other end, as it was last seen; `nil`: there is no connection.
    public private(set) var replicationID: ReplicationID?
    private let configuration: RedisConfiguration
    private let commandDeadline: TimeAmount
    private let connect: Connect
    private let readiness: Readiness
    private let metrics: RedisMetrics
    private let logger: Logger

    private var machine: ConnectionStateMachine<Completion>
    private var outgoing = RESPCommandWriter()
    private var handler: RedisChannelHandler?
    private var timer: Scheduled<Void>?
    private var roleCheck: Scheduled<Void>?
    private var isCheckingRole = false
    /// The answer of the Sentinels or the cluster that the open channel follows; `nil`: nobody was asked.
    private var told: PrimaryLocation?
    /// Their latest answer.
    private var primary: PrimaryLocation?
    /// The callers that wait until there is a connection.
    private var waiters: [Int: (RedisError?) -> Void] = [:]
    private var nextWaiter = 0
    private var closeCompletions: [() -> Void] = []

    init(
        configuration: RedisConfiguration,
        eventLoop: any EventLoop,
        connect: @escaping Connect,
        readiness: Readiness,
        logger: Logger
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.connect = connect
        self.readiness = readiness
        self.logger = logger
        metrics = RedisMetrics(configuration)
        commandDeadline = TimeAmount(configuration.commandDeadline)
        machine = ConnectionStateMachine(
            endpoint: "\(configuration.endpoint)",
            needsPrimary: configuration.peer == .primary,
            limits: .init(
                pending: configuration.pendingLimit,
                lateReply: TimeAmount(configuration.commandDeadline),
                connect: TimeAmount(configuration.connectTimeout),
                reconnect: Backoff(first: configuration.reconnectBackoff, limit: configuration.reconnectBackoffMaximum)
            )
        )
    }

    /// True if a command sent now would be written.
    public var isConnected: Bool {
        eventLoop.preconditionInEventLoop()
        return machine.isReady
    }

    /// The reason why there is no connection.
    var absence: RedisError { machine.absence }

    /// The reason why a command for the Redis `id` must not be sent here; `nil`: it may be sent, or is for any Redis.
    func refusal(to id: ReplicationID?) -> RedisError? {
        guard let id, id != replicationID else { return nil }
        return replicationID == nil ? absence : .isAnotherRedis
    }

    /// True while an attempt to connect is under way.
    var isConnecting: Bool { !machine.isReady && !machine.isWaiting && !machine.isClosed }

    /// Commands without a reply, those past their deadline included.
    public var pendingCount: Int {
        eventLoop.preconditionInEventLoop()
        return machine.pendingCount
    }

    /// Sends one command.
    /// - Parameters:
    ///   - arguments: how many arguments `encode` writes, the command's name included.
    ///   - deadline: `nil`: `RedisConfiguration.commandDeadline` from now.
    ///   - encode: called at most once, before this returns. It must not send.
    ///   - completion: called exactly once; where nothing could be sent, before this returns.
    public func send(
        arguments: Int,
        deadline: NIODeadline? = nil,
        encode: (inout RESPCommandWriter) -> Void,
        completion: @escaping Completion
    ) {
        eventLoop.preconditionInEventLoop()
        let now = eventLoop.now
        switch machine.send(CollectionOfOne(completion), deadline: deadline ?? now + commandDeadline, now: now) {
        case .write(let timer, let flush):
            outgoing.write(arguments: arguments, encode)
            written(timer: timer, flush: flush)
        case .refuse(let error): completion(.failure(error))
        }
    }

    /// Sends one command, its name first.
    public func send(_ arguments: [String], deadline: NIODeadline? = nil, completion: @escaping Completion) {
        send(arguments.asArguments, deadline: deadline, completion: completion)
    }

    func send(_ arguments: [RESPArgument], deadline: NIODeadline? = nil, completion: @escaping Completion) {
        send(arguments: arguments.count, deadline: deadline, encode: { $0.append(arguments) }, completion: completion)
    }

    /// Sends commands so that no other command comes between them, or sends none of them. `completion` gets a reply for each command, which
    /// may be an error.
    public func pipeline(
        _ commands: [[String]],
        deadline: NIODeadline? = nil,
        completion: @escaping (Result<[RESPValue], RedisError>) -> Void
    ) {
        pipeline(commands.map(\.asArguments), deadline: deadline, completion: completion)
    }

    func pipeline(
        _ commands: [[RESPArgument]],
        deadline: NIODeadline? = nil,
        completion: @escaping (Result<[RESPValue], RedisError>) -> Void
    ) {
        eventLoop.preconditionInEventLoop()
        guard !commands.isEmpty else { return completion(.success([])) }
        let now = eventLoop.now
        let replies = PipelineReplies(count: commands.count, completion: completion)
        let completions = repeatElement({ replies.add($0) } as Completion, count: commands.count)
        switch machine.send(completions, deadline: deadline ?? now + commandDeadline, now: now) {
        case .write(let timer, let flush):
            for command in commands {
                outgoing.write(arguments: command.count) { $0.append(command) }
            }
            written(timer: timer, flush: flush)
        case .refuse(let error): completion(.failure(error))
        }
    }

    private func written(timer: NIODeadline?, flush: Bool) {
        if let timer { setTimer(timer) }
        if flush {
            // This runs after all events that the tick has read, so the commands that they send leave with it.
            eventLoop.assumeIsolated().execute { self.flush() }
        }
    }

    /// Writes the commands of this tick now, and not at its end. It is for a caller that has much to do in the rest of the tick.
    package func flush() {
        guard machine.flush() else { return }
        handler?.write(outgoing.buffer)
        outgoing.clear()
    }
}

// MARK: Events

extension RedisConnection {
    func start() {
        eventLoop.preconditionInEventLoop()
        guard machine.start(now: eventLoop.now) else { return }
        openChannel()
        scheduleRoleCheck()
    }

    private func openChannel() {
        connect(eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.opened(channel)
            case .failure(let error): self.lose(RedisError(.notConnected, "\(error)"))
            }
        }
    }

    private func opened(_ opened: RedisChannel) {
        let channel = opened.channel
        let login = configuration.login
        switch machine.connected(commands: login.count) {
        case .close: channel.close(promise: nil)
        case .logIn(let timer):
            if let timer { setTimer(timer) }
            told = opened.told
            guard isAtPrimary else {
                channel.close(promise: nil)
                return lose(moved)
            }
            let handler = RedisChannelHandler(connection: self, replyLimitBytes: configuration.replyLimitBytes)
            do {
                try channel.pipeline.syncOperations.addHandler(handler)
            } catch {
                channel.close(promise: nil)
                return lose(RedisError(.notConnected, "\(error)"))
            }
            self.handler = handler
            for command in login {
                outgoing.write(arguments: command.count) { $0.append(command.asArguments) }
            }
            handler.write(outgoing.buffer)
            outgoing.clear()
        }
    }

    func received(_ reply: RESPValue) {
        switch machine.received(reply) {
        case .complete(let completion):
            completion(reply.asResult)
            if case .error(let message) = reply, let error = RedisError.leading(message) { leave(error) }
        case .completeAndClose(let completion):
            completion(reply.asResult)
            finish()
        case .drop: break
        case .dropLate: metrics.lateReplies.increment()
        case .becomeReady(let id):
            replicationID = id.map(named)
            readiness.isReady = true
            logger.log(
                level: configuration.peer == .primary ? .info : .debug,
                "connected to \(peer)",
                metadata: ["redis": "\(configuration.endpoint)", "at": "\(told?.node.description ?? "-")"]
            )
            resumeWaiters(nil)
        case .lose(let error): lose(error)
        }
    }

    private var peer: String {
        switch configuration.peer {
        case .primary: "Redis"
        case .sentinel: "a Sentinel"
        case .clusterNode: "a node of the cluster"
        }
    }

    private func setTimer(_ time: NIODeadline) {
        timer?.cancel()
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.timerFired() }
    }

    private func timerFired() {
        timer = nil
        switch machine.timerFired(now: eventLoop.now) {
        case .connect: openChannel()
        case .expire(let completions, let next):
            if let next { setTimer(next) }
            expire(completions)
        case .expireAndLose(let completions, let error):
            expire(completions)
            lose(error)
        case .expireAndClose(let completions):
            expire(completions)
            finish()
        }
    }

    private func expire(_ completions: [Completion]) {
        metrics.deadlinesExceeded.increment(by: completions.count)
        let error = RedisError(.deadlineExceeded, "no reply in time", outcomeIsUnknown: true)
        for completion in completions { completion(.failure(error)) }
    }

    /// Gives the channel up, if there is one, and comes back later.
    func lose(_ error: RedisError) {
        dropChannel()
        let action = machine.lost(error, now: eventLoop.now, chance: .random(in: 0...1))
        if let timer = action.timer { setTimer(timer) }
        report(error, failures: action.failures)

        let code = error.code == .protocolViolation ? error.code : .connectionLost
        let unknown = RedisError(code, error.message, outcomeIsUnknown: true)
        for completion in action.written { completion(.failure(unknown)) }
        for completion in action.unwritten { completion(.failure(machine.absence)) }
        if machine.isClosed { finish() }
    }

    private func dropChannel() {
        readiness.isReady = false
        replicationID = nil
        told = nil
        outgoing.clear()
        handler?.close()
        handler = nil
    }

    /// Logs a warning once when Redis is gone, and not for each of the many attempts that follow.
    private func report(_ error: RedisError, failures: Int) {
        guard !machine.isClosed else { return }
        if failures == 0 { metrics.connectionsLost.increment() }
        logger.log(
            level: failures <= 1 ? .warning : .debug,
            failures == 0 ? "lost the connection to \(peer)" : "cannot connect to \(peer)",
            metadata: ["redis": "\(configuration.endpoint)", "error": "\(error)", "attempt": "\(failures)"]
        )
        if error.isRefusedLogin { resumeWaiters(error) }
    }
}

// MARK: Which Redis it is

extension RedisConnection {
    /// Takes an answer of the Sentinels or the cluster, which may be the same as before.
    func follow(_ primary: PrimaryLocation) {
        eventLoop.preconditionInEventLoop()
        let isNews = primary != self.primary
        self.primary = primary
        if !isAtPrimary {
            lose(moved)
        } else if isNews, machine.hurry(now: eventLoop.now) {
            openChannel()
        }
    }

    /// False if the latest answer of the Sentinels or the cluster names another place, or another failover, than that of the channel.
    private var isAtPrimary: Bool { told == nil || primary == nil || told == primary }

    /// Adds the epoch of the failover, or of the move of the slot, that made this Redis the primary. A primary that never heard that it was
    /// replaced keeps its id, and so does a node that a slot comes back to.
    private func named(_ id: ReplicationID) -> ReplicationID { told.map { ReplicationID("\(id)-\($0.epoch)") } ?? id }

    private var moved: RedisError {
        let guides = configuration.guides?.guide.name ?? "others"
        let place = primary?.node.description ?? "elsewhere"
        return RedisError(.connectionLost, "the primary is \(place) by now, as told by \(guides)")
    }

    private func scheduleRoleCheck() {
        guard configuration.peer == .primary, let interval = configuration.roleCheckInterval else { return }
        roleCheck = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(interval)) {
            self.checkRole()
            self.scheduleRoleCheck()
        }
    }

    /// Asks whether this Redis is still the same primary. One that becomes a replica keeps its connections, unless a Sentinel made it one.
    /// It may become a primary again, with another id.
    private func checkRole() {
        guard machine.isReady, !isCheckingRole else { return }
        isCheckingRole = true
        send(RedisConfiguration.roleQuestion) { result in
            self.isCheckingRole = false
            guard self.machine.isReady, case .success(let reply) = result else { return }
            switch ServerRole(reply) {
            case .primary(let id): self.replicationID = self.named(id)
            case .replica, nil: self.lose(.isReplica)
            }
        }
    }

    /// Leaves this Redis, once the replies that came with this one are handled.
    private func leave(_ error: RedisError) {
        let channel = handler
        eventLoop.assumeIsolated().execute {
            if self.machine.isReady, self.handler === channel { self.lose(error) }
        }
    }
}

// MARK: Beginning and end

extension RedisConnection {
    /// Calls back with `nil` as soon as there is a connection, or with the reason why there is none at `deadline`, or
    /// earlier where waiting would not help.
    func whenReady(deadline: NIODeadline, _ completion: @escaping (RedisError?) -> Void) {
        eventLoop.preconditionInEventLoop()
        if machine.isReady { return completion(nil) }
        if machine.isClosed { return completion(machine.absence) }
        nextWaiter += 1
        let waiter = nextWaiter
        waiters[waiter] = completion
        eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.waiters.removeValue(forKey: waiter)?(self.machine.absence)
        }
    }

    private func resumeWaiters(_ error: RedisError?) {
        let resumed = waiters.values
        waiters = [:]
        for waiter in resumed { waiter(error) }
    }

    /// Refuses further commands, waits for the replies of those sent or for their deadlines, and ends.
    func close(_ completion: @escaping () -> Void) {
        eventLoop.preconditionInEventLoop()
        closeCompletions.append(completion)
        if machine.requestClose() { finish() } else { readiness.isReady = false }
    }

    private func finish() {
        machine.close()
        timer?.cancel()
        timer = nil
        roleCheck?.cancel()
        roleCheck = nil
        dropChannel()
        resumeWaiters(machine.absence)
        let completions = closeCompletions
        closeCompletions = []
        for completion in completions { completion() }
    }
}

extension RESPValue {
    fileprivate var asResult: Result<RESPValue, RedisError> {
        if case .error(let message) = self { .failure(RedisError(.serverError, message)) } else { .success(self) }
    }
}

extension RESPCommandWriter {
    fileprivate mutating func append(_ arguments: [RESPArgument]) {
        for argument in arguments { append(argument) }
    }
}
