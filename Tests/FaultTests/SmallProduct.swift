import Credentials
import Domain
import HotPath
import LocalStack
import Logging
import NIOCore
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import ServiceLifecycle
import Sync
import Telemetry
import TestSupport
import Testing

@testable import Server
@testable import Torture

/// A server and a sync worker in this process, a Redis and a database of the test's own, and the load and the judgement of
/// `redeem-torture`.
struct SmallProduct: Sendable {
    private static let users = 60
    /// For a few coupons only.
    private static let credit = 20
    private static let rate = 500.0

    let environment: TestEnvironment
    /// Of the environment's Redis, for durability `replicated`.
    let replica: RedisServer?
    /// In front of Redis.
    let proxy: FaultProxy
    /// As the server and the worker see Redis.
    let hotPath: HotPath
    let port: Int
    let operators: TortureOperators

    var world: TortureWorld { operators.world }

    /// What carries decisions to Postgres.
    enum Worker: Sendable {
        case own
        case careless(CarelessWorker.Bug)
    }

    /// Loads a product while the body runs, clears up, and judges.
    /// - Parameter patience: how long what was decided may take to land: with some of the bugs it never does, and a slow machine
    ///   needs a while.
    /// - Returns: the rules that were broken, and what is said of it.
    static func judge(
        seed: UInt64 = 1,
        durability: Durability = .local,
        worker: Worker = .own,
        bug: PlantedBug? = nil,
        substituting substitutions: [Substitution] = [],
        patience: Duration = .seconds(1),
        during body: @Sendable (SmallProduct) async throws -> Void
    ) async throws -> (rules: Set<Violation.Rule>, text: String) {
        var options = RedisOptions()
        if durability == .replicated { options.extra = ["min-replicas-to-write 1"] }
        return try await withTestEnvironment(redis: options) { environment in
            let planted = try await bug?.substitutions(environment.redisClient) ?? []
            let group = MultiThreadedEventLoopGroup.singleton
            let proxy = try await FaultProxy.start(
                to: environment.redis.port,
                substituting: planted + substitutions,
                on: group
            )
            let url = "redis://default:\(environment.redis.password)@127.0.0.1:\(proxy.port)"
            let clients = try (0..<2).map { _ in
                RedisClient(
                    configuration: try .forTests(url),
                    eventLoopGroup: group,
                    logger: testLogger(level: .critical)
                )
            }
            let close = {
                for client in clients { await client.close() }
                await proxy.stop()
            }
            return try await stopping(close) {
                try await withReplica(of: durability == .replicated ? environment.redis : nil) { replica in
                    for client in clients { try await client.connect() }
                    return try await judge(environment, replica, proxy, clients, seed, durability, worker, patience, body)
                }
            }
        }
    }

    private static func withReplica<T: Sendable>(
        of primary: RedisServer?,
        _ body: (RedisServer?) async throws -> T
    ) async throws -> T {
        guard let primary else { return try await body(nil) }
        var options = RedisOptions()
        options.replicaOf = primary.port
        return try await withRedis(options, password: primary.password) { try await body($0) }
    }

    private static func judge(
        _ environment: TestEnvironment,
        _ replica: RedisServer?,
        _ proxy: FaultProxy,
        _ clients: [RedisClient],
        _ seed: UInt64,
        _ durability: Durability,
        _ worker: Worker,
        _ patience: Duration,
        _ body: @Sendable (SmallProduct) async throws -> Void
    ) async throws -> (rules: Set<Violation.Rule>, text: String) {
        var configuration = ServerConfiguration(tokenKeys: TokenKeys(signing: .random()), codeKey: .random())
        configuration.port = 0
        configuration.opsPort = 0
        configuration.durability = durability
        configuration.passwords.cost = .least
        configuration.loginsPerAddress = LoginRate(burst: 1_000_000, interval: .seconds(1))
        configuration.loginsPerUsername = configuration.loginsPerAddress
        configuration.trustedProxies = TrustedProxies("127.0.0.1")!
        let hotPath = HotPath(client: clients[0])
        let operators = try await TortureOperators.prepare(
            SmallProduct.users,
            credit: SmallProduct.credit,
            seed: seed,
            postgres: environment.postgres,
            digester: CodeDigester(key: configuration.codeKey)
        )
        let logger = testLogger(level: .critical)
        let server = buildServer(
            configuration: configuration,
            hotPath: hotPath,
            postgres: environment.postgres,
            metrics: PrometheusRegistry(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let sync: any Service
        switch worker {
        case .own:
            sync = SyncWorker(
                hotPath: hotPath,
                outboxReader: HotPath(client: clients[1]),
                postgres: environment.postgresConfiguration,
                logger: logger
            )
        case .careless(let bug): sync = CarelessWorker(bug: bug, environment: environment)
        }
        let group = ServiceGroup(configuration: .init(services: server.services + [sync], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let product = SmallProduct(
                environment: environment,
                replica: replica,
                proxy: proxy,
                hotPath: hotPath,
                port: try await server.ports().api,
                operators: operators
            )
            let verdict: Swift.Result<(rules: Set<Violation.Rule>, text: String), any Error>
            do { verdict = .success(try await product.judge(worker, patience, body)) } catch { verdict = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try verdict.get()
        }
    }

    private func judge(
        _ worker: Worker,
        _ patience: Duration,
        _ body: @Sendable (SmallProduct) async throws -> Void
    ) async throws -> (rules: Set<Violation.Rule>, text: String) {
        try await until("open") { (try? await hotPath.stores[0].status())?.scriptsLoaded == true }
        let load = TortureLoad(world: world, ports: [port], rate: SmallProduct.rate)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // A careless worker does not follow the control log.
            if case .own = worker { group.addTask { [operators, world] in await operators.run(seed: world.seed) } }
            try await load.during { try await body(self) }
            group.cancelAll()
        }
        try await load.resolve(limit: .seconds(3))
        try await FinalStateReader.drain(hotPath.stores[0], environment.postgres, limit: patience)
        let history = world.history
        let reader = FinalStateReader(
            history: history,
            store: hotPath.stores[0],
            hotPath: hotPath,
            postgres: environment.postgres
        )
        var finalState = try await reader.read()
        finalState.drift = try await reader.drift()
        let violations = Checker(history, finalState).violations()
        let outcomes = history.attempts.reduce(into: [String: Int]()) { $0["\($1.kind) \($1.outcome.name)", default: 0] += 1 }
        let text = violations.prefix(5).map { Window($0, in: history).description }.joined(separator: "\n") + "\n\(outcomes)"
        return (Set(violations.map(\.rule)), text)
    }

    /// Takes everything from Redis, and notes what may be lost with it.
    func flush() async throws {
        let store = hotPath.stores[0]
        let landed = try await environment.postgres.withConnection { try $0.cursor(of: store.shard) }
        var record = FaultRecord(.flushAll, began: .now())
        _ = try await environment.redisClient.send(["FLUSHALL"])
        let healed = world.watch()
        record.healed = healed
        record.loss = Fault.flushAll.loss(
            .local,
            landed: Moment(landed?.lastID.timestamp ?? Timestamp(milliseconds: 0)),
            until: healed
        )
        record.proof = "FLUSHALL"
        try await until("open again") { world.allDecided(servers: 1) != nil }
        record.secondsToOpen = world.allDecided(servers: 1).map { Double($0.microseconds - healed.microseconds) / 1e6 }
        world.add(record)
    }

    /// Kills Redis, and puts a replica in its place that lacks the last decisions; so does Postgres.
    /// - Parameter count: calls of the script that it lacks, at least. Servers make few where WAIT tells them of the replica.
    func failOverToAReplicaThatLacks(_ count: Int) async throws {
        guard let replica else { preconditionFailure("only a replicated product has a replica") }
        // Nothing lands meanwhile.
        try await environment.postgres.whileLocked("redemptions", "share") {
            replica.suspend()
            let before = try await environment.store.status().outboxLength
            try await until("redemptions that the replica lacks") {
                try await environment.store.status().outboxLength >= before + count
            }
            await environment.redis.kill()
            // What has come to its socket meanwhile goes with the process.
            await replica.kill()
            try await replica.restart(options: RedisOptions())
            proxy.retarget(to: replica.port)
            await proxy.resetConnections()
        }
        try await until("open again") { (try? await hotPath.stores[0].status())?.scriptsLoaded == true }
    }
}
