import Domain
import HotPath
import Logging
import NIOCore
import Persistence
import PostgresClient
import RedisClient
import Synchronization
import Telemetry

/// Loads users from Postgres into Redis. All callers that need the same user wait for the same load. Users that are asked for
/// while statements are at work are read together by the next one, so a sale that begins with no user loaded costs one statement
/// for some hundred users.
final class UserLoader: Sendable {
    enum Outcome: Sendable, Hashable {
        case loaded
        /// Postgres has no such user.
        case unknown
        case failed(Problem)
    }

    private enum Waiter: Sendable {
        case eventLoop(EventLoopPromise<Outcome>)
        case task(CheckedContinuation<Outcome, Never>)

        func resume(_ outcome: Outcome) {
            switch self {
            case .eventLoop(let promise): promise.succeed(outcome)
            case .task(let continuation): continuation.resume(returning: outcome)
            }
        }
    }

    private struct State {
        var waiting: [Shard: [UserID]] = [:]
        var statements: [Shard: Int] = [:]
        /// The callers to resume when a user's row has been read.
        var waiters: [UserID: [Waiter]] = [:]
    }

    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let logger: Logger
    private let loads: CounterCell
    private let failures: CounterCell
    private let state = Mutex(State())

    /// How often a user is read at most. It is read again if Redis was ahead of what was read.
    private static let tries = 3

    init(hotPath: HotPath, postgres: PostgresClient, limits: ServerLimits, registry: PrometheusRegistry, logger: Logger) {
        self.hotPath = hotPath
        self.postgres = postgres
        self.limits = limits
        self.logger = logger
        loads = registry.counter(Metric.userLoads.name, [("outcome", "loaded")])
        failures = registry.counter(Metric.userLoads.name, [("outcome", "failed")])
    }

    func load(_ user: UserID, on eventLoop: any EventLoop) -> EventLoopFuture<Outcome> {
        let promise = eventLoop.makePromise(of: Outcome.self)
        enqueue(user, .eventLoop(promise))
        return promise.futureResult
    }

    func load(_ user: UserID) async -> Outcome {
        await withCheckedContinuation { enqueue(user, .task($0)) }
    }

    private func enqueue(_ user: UserID, _ waiter: Waiter) {
        let shard = hotPath.shards.shard(of: user)
        enum Action { case wait, start, refuse }
        let action = state.withLock { state -> Action in
            if state.waiters[user] != nil {
                state.waiters[user]?.append(waiter)
                return .wait
            }
            guard state.waiters.count < limits.userLoads else { return .refuse }
            state.waiters[user] = [waiter]
            state.waiting[shard, default: []].append(user)
            guard state.statements[shard, default: 0] < limits.userLoadStatements else { return .wait }
            state.statements[shard, default: 0] += 1
            return .start
        }
        switch action {
        case .wait: break
        case .start: Task { await work(shard) }
        case .refuse: waiter.resume(.failed(Problem(.overloaded)))
        }
    }

    private func work(_ shard: Shard) async {
        while let users = nextBatch(shard) {
            let outcomes = await read(users, shard)
            let waiters = state.withLock { state in
                users.map { user in (outcomes[user] ?? .unknown, state.waiters.removeValue(forKey: user) ?? []) }
            }
            for (outcome, waiters) in waiters {
                (outcome == .loaded ? loads : failures).increment(by: 1)
                for waiter in waiters { waiter.resume(outcome) }
            }
        }
    }

    private func nextBatch(_ shard: Shard) -> [UserID]? {
        state.withLock { state in
            guard let waiting = state.waiting[shard], !waiting.isEmpty else {
                state.statements[shard, default: 0] -= 1
                return nil
            }
            state.waiting[shard] = Array(waiting.dropFirst(limits.userLoadBatch))
            return Array(waiting.prefix(limits.userLoadBatch))
        }
    }

    private func read(_ users: [UserID], _ shard: Shard) async -> [UserID: Outcome] {
        do {
            return try await tryToRead(users, shard)
        } catch let error as RedisError {
            logger.warning("users cannot be loaded into Redis", metadata: ["error": "\(error)", "users": "\(users.count)"])
            // To load a user again changes nothing, so an unknown outcome is simply a failure.
            return outcomes(users, .failed(Problem(read: error)))
        } catch {
            logger.warning("users cannot be read from Postgres", metadata: ["error": "\(error)", "users": "\(users.count)"])
            return outcomes(users, .failed(Problem(.ledgerUnavailable)))
        }
    }

    private func tryToRead(_ users: [UserID], _ shard: Shard) async throws -> [UserID: Outcome] {
        var outcomes: [UserID: Outcome] = [:]
        var remaining = users
        for _ in 0..<UserLoader.tries where !remaining.isEmpty {
            let wanted = remaining
            let (snapshots, absent) = try await postgres.withConnection { connection in
                let snapshots = try connection.snapshot(of: wanted, shard: shard)
                let found = Set(snapshots.map(\.user))
                // A user who does not exist is absent. Until the shard was first opened, everybody is absent.
                return (snapshots, try wanted.filter { !found.contains($0) }.map { ($0, try connection.user(id: $0) != nil) })
            }
            for (user, exists) in absent { outcomes[user] = exists ? .failed(Problem(.shardClosed)) : .unknown }
            remaining = []
            for (snapshot, reply) in zip(snapshots, try await hotPath.store(shard).loadUsers(snapshots)) {
                switch reply {
                case .loaded, .alreadyLoaded: outcomes[snapshot.user] = .loaded
                case .wrongEpoch: outcomes[snapshot.user] = .failed(Problem(.shardClosed))
                case .staleSnapshot:
                    outcomes[snapshot.user] = .failed(Problem(.shardClosed))
                    remaining.append(snapshot.user)
                }
            }
        }
        return outcomes
    }

    private func outcomes(_ users: [UserID], _ outcome: Outcome) -> [UserID: Outcome] {
        Dictionary(uniqueKeysWithValues: users.map { ($0, outcome) })
    }
}
