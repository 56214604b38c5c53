internal import Configuration
internal import CoreMetrics
internal import Credentials
internal import HotPath
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Server
internal import ServiceLifecycle
internal import Sync
internal import Telemetry
internal import UnixSignals

/// The composition root: it makes the services that a process runs.
struct App {
    let settings: Settings
    let logger: Logger
    /// The event loop of everything but a server's API. One serves all, however many processors there are, because each loop
    /// takes three open files. It is made when it is first used, so a process that only serves has none, and it ends with the
    /// process.
    var eventLoopGroup: any EventLoopGroup { App.eventLoop }
    let redis: RedisConfiguration
    let postgres: PostgresConfiguration
    let manager: ServiceManager?
    /// How long a stop may take before it cuts off what is under way.
    let shutdownLimit: Duration

    private static let eventLoop: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(settings: Settings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        redis = try RedisConfiguration(settings.reader)
        postgres = try PostgresConfiguration(settings.reader)
        manager = ServiceManager(logger: logger)
        shutdownLimit = try settings.shutdownLimit()
    }

    /// The API and the operations port. Redis and Postgres are closed when the server has stopped.
    /// - Parameters:
    ///   - reread: reads the settings again when SIGHUP asks for new keys; `nil`: SIGHUP is not handled.
    ///   - onReady: called when both listen.
    func server(
        reread: (@Sendable () async throws -> Settings)? = nil,
        onReady: @escaping @Sendable (ServerConfiguration, ServerPorts) async throws -> Void
    ) async throws -> [any Service] {
        let (serve, files) = try serveSettings()
        let configuration = serve.server
        // Clients look up their counters when they are made, so the registry comes before them.
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        // These threads end with the process. If a service fails, the others may still wait for an answer from one of them.
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        let client = RedisClient(configuration: redis, eventLoopGroup: eventLoops, logger: logger)
        let pool = PostgresClient(configuration: postgres, logger: logger)
        let server = buildServer(
            configuration: configuration,
            hotPath: HotPath(client: client, limits: serve.hotPath),
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
        let keys = KeyGuard(
            postgres: pool,
            codeKey: configuration.codeKey,
            tokenKeys: (try? ServiceKey.token(settings.reader)).map { _ in configuration.tokenKeys },
            logger: logger
        )
        try await keys.checkAtStart()
        let reload = reread.map { KeyReload(keys: configuration.tokenKeys, check: keys.check, settings: $0, logger: logger) }
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
        ] + server.services + (reload.map { [$0] } ?? []) + [keys, ready]
    }

    /// Throws if Postgres answers but can never be used. A worker would try again and again.
    func checkPostgres() async throws {
        do {
            try await DedicatedPostgresConnection.open(postgres, logger: logger).close()
        } catch let error as PostgresError where error.isOutOfReach {
            logger.warning("waiting for Postgres", metadata: ["error": "\(error)"])
        }
    }

    /// Leaves to clients the open files that the server does not need itself.
    private func serveSettings() throws -> (ServeSettings, FileBudget) {
        var serve = try ServeSettings(settings)
        let files = try FileLimit.raise(for: serve.server, postgres)
        serve.server.limits.connections = files.connections
        return (serve, files)
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
            configuration: try SyncSettings(settings).sync,
            logger: logger
        )
        return [
            ClosingAfterwards(name: "sync stores") {
                await reconciling.close(); await reader.close(); await client.close()
            }, worker,
        ]
    }

    /// The operations port of a worker, if the settings give it one. The worker's metrics are there.
    func workerOperations() throws -> [any Service] {
        guard let (host, port) = try SyncSettings(settings).operations else { return [] }
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return buildWorkerOperations(host: host, port: port, metrics: registry, logger: logger)
    }

    /// Tells the service manager that the services before it run.
    func running(_ status: String) -> any Service { Announcement { manager?.ready(status) } }

    /// Runs until a signal, then stops the services in reverse order.
    func run(_ services: [any Service], until signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        try await Lifetime(signals: signals, limit: shutdownLimit, manager: manager, logger: logger)
            .run(
                services.map { service in
                    // A server with a wrong key stops gracefully: clients that wait still get their answers, which the wrong key
                    // had no part in.
                    let failure: ServiceGroupConfiguration.ServiceConfiguration.TerminationBehavior =
                        service is KeyGuard ? .gracefullyShutdownGroup : .cancelGroup
                    return .init(
                        service: service,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: failure
                    )
                }
            )
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
