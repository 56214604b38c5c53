internal import Configuration
internal import CoreMetrics
internal import HotPath
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Persistence
internal import Server
internal import ServiceLifecycle
internal import Sync
internal import UnixSignals

/// The composition root: what a process is made of.
struct App {
    let settings: Settings
    let logger: Logger
    /// Of what is no server's. Each loop takes three open files, so there is one, however many processors there are, and none in a
    /// process that is a server only. It ends with the process.
    var eventLoopGroup: any EventLoopGroup { App.eventLoop }
    let redis: RedisConfiguration
    let postgres: PostgresConfiguration
    let manager: ServiceManager?
    /// How long a stop may take before it cuts off what is under way.
    let shutdownLimit: Duration

    private static let eventLoop: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// | key | variable | default |
    /// |---|---|---|
    /// | shutdown.limit_s | REDEEM_SHUTDOWN_LIMIT_S | 30 |
    init(settings: Settings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        redis = try RedisConfiguration(settings.reader)
        postgres = try PostgresConfiguration(settings.reader)
        manager = ServiceManager(logger: logger)
        shutdownLimit = .seconds(try settings.reader.count("shutdown.limit_s", in: 1...3600) ?? 30)
    }

    /// The API and the operations port. Redis and Postgres are closed when the server has stopped.
    /// - Parameters:
    ///   - reread: reads the settings again, for the keys that SIGHUP replaces; `nil`: SIGHUP is somebody else's.
    ///   - onReady: called when both listen.
    func server(
        reread: (@Sendable () async throws -> Settings)? = nil,
        onReady: @escaping @Sendable (ServerConfiguration, ServerPorts) async throws -> Void
    ) throws -> [any Service] {
        let (configuration, files) = try serverConfiguration()
        guard configuration.shutdownDelay < shutdownLimit else {
            throw UsageError(
                "REDEEM_SHUTDOWN_LIMIT_S is \(shutdownLimit.components.seconds), and no longer than REDEEM_SHUTDOWN_DELAY_S",
                remedy: "give it some seconds more than the delay: for the requests under way"
            )
        }
        // Before the clients: what they count goes to what is there when they are made.
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        // These threads end with the process: whatever still runs when a service has failed may wait for an answer from one
        // of them.
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        let client = RedisClient(configuration: redis, eventLoopGroup: eventLoops, logger: logger)
        let pool = PostgresClient(configuration: postgres, logger: logger)
        let server = buildServer(
            configuration: configuration,
            hotPath: HotPath(client: client, limits: try HotPathLimits(settings.reader)),
            postgres: pool,
            metrics: registry,
            eventLoopGroup: eventLoops,
            logger: logger
        )
        logger.info(
            "open files",
            metadata: [
                "limit": "\(files.limit)", "reserved": "\(files.reserved)", "client_connections": "\(files.connections)",
            ]
        )
        let reload = reread.map { KeyReload(keys: configuration.tokenKeys, settings: $0, logger: logger) }
        logger.info(
            "keys for access tokens, the first of which signs",
            metadata: ["keys": "\(configuration.tokenKeys.ids.joined(separator: ","))"]
        )
        let ready = Announcement {
            let ports = try await server.ports()
            try await onReady(configuration, ports)
            manager?.ready("the API is on port \(ports.api)")
        }
        return [
            ClosingAfterwards(name: "stores") {
                await client.close(); await pool.close()
            }
        ] + server.services + (reload.map { [$0] } ?? []) + [ready]
    }

    /// Clients get the files that are left over.
    private func serverConfiguration() throws -> (ServerConfiguration, FileBudget) {
        var configuration = try ServerConfiguration(settings.reader)
        let files = try FileLimit.raise(for: configuration, postgres)
        configuration.limits.connections = files.connections
        return (configuration, files)
    }

    /// A worker for every shard.
    func sync() throws -> [any Service] {
        FileLimit.raise()
        let loop = eventLoopGroup.next()
        let client = RedisClient(configuration: redis, eventLoopGroup: loop, logger: logger)
        let reader = RedisClient(configuration: redis, eventLoopGroup: loop, logger: logger)
        let reconciling = RedisClient(configuration: redis, eventLoopGroup: loop, logger: logger)
        let worker = SyncWorker(
            hotPath: HotPath(client: client),
            outboxReader: HotPath(client: reader),
            reconciling: HotPath(client: reconciling),
            postgres: postgres,
            configuration: try SyncConfiguration(settings.reader),
            logger: logger
        )
        return [
            ClosingAfterwards(name: "sync stores") {
                await reconciling.close(); await reader.close(); await client.close()
            }, worker,
        ]
    }

    /// The operations port of a worker, where the settings give it one: metrics go there.
    func workerOperations() throws -> [any Service] {
        guard let port = try settings.reader.count("sync.ops_port", in: 0...65_535) else { return [] }
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        let host = try settings.reader.host("ops.host") ?? "127.0.0.1"
        return buildWorkerOperations(host: host, port: port, metrics: registry, logger: logger)
    }

    /// Tells the service manager that the services before it run.
    func running(_ status: String) -> any Service { Announcement { manager?.ready(status) } }

    /// Runs until a signal, then stops the services in reverse order.
    func run(_ services: [any Service], until signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        try await Lifetime(signals: signals, limit: shutdownLimit, manager: manager, logger: logger)
            .run(services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) })
    }
}

/// Says that the services before it are ready, then waits for the end with them.
struct Announcement: Service {
    let announce: @Sendable () async throws -> Void

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown(announce)
        } catch is CancellationError {
            return
        }
        try await gracefulShutdown()
    }
}

/// Holds something open while the services behind it in the list run, and closes it when they have stopped.
struct ClosingAfterwards: Service, CustomStringConvertible {
    let name: String
    let close: @Sendable () async -> Void

    var description: String { name }

    func run() async throws {
        try? await gracefulShutdown()
        await close()
    }
}
