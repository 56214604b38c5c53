public import Logging
public import NIOCore
import Synchronization

/// A connection to Redis for each event loop of a group. They are opened at once and come back by themselves when lost;
/// while one is down, commands fail immediately with `notConnected`. Call `close()` before the group is shut down.
///
/// A command that blocks (`XREAD BLOCK`) holds up all that follow it on its connection: give it a client of its own.
public final class RedisClient: Sendable {
    private struct Member: Sendable {
        let connection: NIOLoopBoundBox<RedisConnection>
        let readiness: Readiness
        let eventLoop: any EventLoop
    }

    struct Watch: Sendable {
        let guides: NIOLoopBoundBox<PrimaryWatch>
        let eventLoop: any EventLoop
    }

    private let members: [Member]
    private let indices: [ObjectIdentifier: Int]
    private let turn = Atomic<Int>(0)
    package let configuration: RedisConfiguration
    /// Follows the primary by what Sentinels or a cluster say; `nil`: the endpoint names the address of Redis itself.
    private let watch: Watch?

    public convenience init(configuration: RedisConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        let watchLoop = eventLoopGroup.next()
        let watch: Watch?
        if let guides = PrimaryWatch(configuration, eventLoop: watchLoop, logger: logger) {
            watch = Watch(guides: .makeBoxSendingValue(guides, eventLoop: watchLoop), eventLoop: watchLoop)
        } else {
            watch = nil
        }
        let connector = RedisConnector(configuration) { eventLoop in
            let promise = eventLoop.makePromise(of: PrimaryLocation.self)
            guard let watch else { preconditionFailure("nobody to ask where the primary is") }
            watch.eventLoop.execute { watch.guides.value.locate(promise) }
            return promise.futureResult
        }
        self.init(configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger, watch: watch) {
            connector.connect(on: $0)
        }
    }

    /// - Parameter connect: opens a channel.
    init(
        configuration: RedisConfiguration,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        watch: Watch? = nil,
        connect: @escaping RedisConnection.Connect
    ) {
        self.configuration = configuration
        self.watch = watch
        let members = eventLoopGroup.makeIterator().map { eventLoop in
            let readiness = Readiness()
            let connection = RedisConnection(
                configuration: configuration,
                eventLoop: eventLoop,
                connect: connect,
                readiness: readiness,
                logger: logger
            )
            return Member(
                connection: .makeBoxSendingValue(connection, eventLoop: eventLoop),
                readiness: readiness,
                eventLoop: eventLoop
            )
        }
        indices = Dictionary(uniqueKeysWithValues: members.indices.map { (ObjectIdentifier(members[$0].eventLoop), $0) })
        self.members = members
        if let watch {
            watch.eventLoop.execute {
                watch.guides.value.start { primary in
                    for member in members { member.eventLoop.execute { member.connection.value.follow(primary) } }
                }
            }
        }
        for member in members {
            member.eventLoop.execute { member.connection.value.start() }
        }
    }

    /// Redis is a node of a cluster, and may be another one tomorrow.
    public var isOfCluster: Bool {
        switch configuration.endpoint.address {
        case .cluster: true
        case .tcp, .unix, .sentinels: false
        }
    }

    /// The connection of an event loop of the group. Call this on that loop, and use the connection there.
    public func connection(on eventLoop: any EventLoop) -> RedisConnection {
        guard let index = indices[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("not an event loop of this client's group")
        }
        return members[index].connection.value
    }

    /// The loops of the group, each with a connection.
    public var eventLoops: [any EventLoop] { members.map(\.eventLoop) }

    /// True if every event loop has a connection.
    public var isConnected: Bool { members.allSatisfy(\.readiness.isReady) }

    /// Waits until every event loop has a connection. Throws the reason if there is none after `RedisConfiguration.connectTimeout`, or as
    /// soon as Redis refuses the login. The client goes on trying in any case.
    public func connect() async throws(RedisError) {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        for member in members {
            let error: RedisError? = await withCheckedContinuation { continuation in
                member.eventLoop.execute {
                    member.connection.value.whenReady(deadline: deadline) { continuation.resume(returning: $0) }
                }
            }
            if let error { throw error }
        }
    }

    /// Refuses further commands (`closed`), and returns when all sent commands have their reply or are past their deadline.
    public func close() async {
        for member in members {
            await withCheckedContinuation { continuation in
                member.eventLoop.execute {
                    member.connection.value.close { continuation.resume() }
                }
            }
        }
        guard let watch else { return }
        await withCheckedContinuation { continuation in
            watch.eventLoop.execute {
                watch.guides.value.close()
                continuation.resume()
            }
        }
    }

    /// Sends one command, its name first. An error reply is thrown, as `serverError`.
    /// - Parameters:
    ///   - id: the Redis that the command is for. The command is not sent to another one (`notConnected`). `nil`: any Redis.
    ///   - deadline: `nil`: `RedisConfiguration.commandDeadline`.
    public func send(
        _ arguments: [String],
        to id: ReplicationID? = nil,
        deadline: Duration? = nil
    ) async throws(RedisError) -> RESPValue {
        try await send(arguments.asArguments, to: id, deadline: deadline)
    }

    /// Sends one command with arguments that need not be text.
    package func send(_ arguments: [RESPArgument], to id: ReplicationID?, deadline: Duration?) async throws(RedisError)
        -> RESPValue
    {
        try await onNextMember { connection, completion in
            if let error = connection.refusal(to: id) { return completion(.failure(error)) }
            connection.send(arguments, deadline: deadline.map { .now() + TimeAmount($0) }, completion: completion)
        }
    }

    /// Sends commands in one write, so no other command comes between them, or sends none of them. Returns a reply for each command, which
    /// may be an error. Throws if a reply is missing; the other replies are lost then.
    /// - Parameters:
    ///   - id: as for one command.
    ///   - deadline: for all of them. `nil`: `RedisConfiguration.commandDeadline`.
    public func pipeline(
        _ commands: [[String]],
        to id: ReplicationID? = nil,
        deadline: Duration? = nil
    ) async throws(RedisError) -> [RESPValue] {
        try await pipeline(commands.map(\.asArguments), to: id, deadline: deadline)
    }

    /// Sends commands with arguments that need not be text.
    package func pipeline(
        _ commands: [[RESPArgument]],
        to id: ReplicationID? = nil,
        deadline: Duration? = nil
    ) async throws(RedisError) -> [RESPValue] {
        try await onNextMember { connection, completion in
            if let error = connection.refusal(to: id) { return completion(.failure(error)) }
            connection.pipeline(commands, deadline: deadline.map { .now() + TimeAmount($0) }, completion: completion)
        }
    }

    /// Sends commands that name the Redis that they are for.
    /// - Parameter commands: called at most once, with the id of the Redis at the other end.
    /// - Returns: the replies, and that id.
    package func pipeline(
        to id: ReplicationID? = nil,
        deadline: Duration? = nil,
        _ commands: @escaping @Sendable (ReplicationID) -> [[RESPArgument]]
    ) async throws(RedisError) -> (replies: [RESPValue], from: ReplicationID) {
        try await onNextMember { connection, completion in
            if let error = connection.refusal(to: id) { return completion(.failure(error)) }
            guard let own = connection.replicationID else { return completion(.failure(connection.absence)) }
            connection.pipeline(commands(own), deadline: deadline.map { .now() + TimeAmount($0) }) { result in
                completion(result.map { ($0, own) })
            }
        }
    }

    private func onNextMember<Reply: Sendable>(
        _ body: @escaping @Sendable (RedisConnection, @escaping (Result<Reply, RedisError>) -> Void) -> Void
    ) async throws(RedisError) -> Reply {
        let member = nextMember()
        let result: Result<Reply, RedisError> = await withCheckedContinuation { continuation in
            member.eventLoop.execute { body(member.connection.value) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// Takes the connections by turns, and skips those that are down if there is another.
    private func nextMember() -> Member {
        let start = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        for offset in members.indices {
            let member = members[(start &+ offset) % members.count]
            if member.readiness.isReady { return member }
        }
        return members[start % members.count]
    }
}

/// Tells other threads whether a connection is up.
final class Readiness: Sendable {
    private let flag = Atomic<Bool>(false)

    var isReady: Bool {
        get { flag.load(ordering: .relaxed) }
        set { flag.store(newValue, ordering: .relaxed) }
    }
}
