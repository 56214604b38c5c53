public import HotPath
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
import NIOPosix
public import Persistence
public import ServiceLifecycle

/// A server, ready to be run.
public struct ServerServices: Sendable {
    /// In order: a later one needs those before it.
    public let services: [any Service]
    private let bound: BoundPorts

    init(services: [any Service], bound: BoundPorts) {
        self.services = services
        self.bound = bound
    }

    /// The ports, as soon as both listeners listen. Throws what kept one of them from it.
    public func ports() async throws -> ServerPorts { try await bound.ports() }
}

/// Puts a server together: the API with the hot route in front, and the operations listener.
/// - Parameters:
///   - hotPath: over a Redis client of the same `eventLoopGroup`, so that each loop has its own connection.
///   - metrics: what `/metrics` shows.
///   - eventLoopGroup: what the API runs on. The operations listener has threads of its own.
public func buildServer(
    configuration: ServerConfiguration,
    hotPath: HotPath,
    postgres: PostgresClient,
    metrics registry: PrometheusRegistry,
    eventLoopGroup: any EventLoopGroup,
    logger: Logger
) -> ServerServices {
    let limits = configuration.limits
    limits.check()

    let metrics = HTTPMetrics(registry: registry)
    let verifier = AccessTokenVerifier(keys: configuration.tokenKeys, parties: configuration.tokenParties)
    let digester = CodeDigester(key: configuration.codeKey)
    let hasher = PasswordHasher(configuration: configuration.passwords)
    let durability = DurabilityGuard(
        mode: configuration.durability,
        hotPath: hotPath,
        postgres: postgres,
        limits: limits,
        logger: logger
    )
    let sampler = StatusSampler(hotPath: hotPath, postgres: postgres, limits: limits, registry: registry, logger: logger)
    let readiness = Readiness(sampler: sampler, durability: durability)
    let users = UserLoader(hotPath: hotPath, postgres: postgres, limits: limits, registry: registry, logger: logger)
    let ledger = LedgerWatch(postgres: postgres, limits: limits, logger: logger)
    let loops = LoopDirectory(eventLoops: hotPath.client.eventLoops) { eventLoop in
        LoopServices(
            verifier: verifier,
            digester: digester,
            durability: configuration.durability,
            limits: limits,
            metrics: metrics,
            decide: RedemptionDecider(on: eventLoop, hotPath: hotPath, users: users, durability: durability, ledger: ledger)
                .decide
        )
    }
    let health = HealthAPI(readiness: readiness, registry: registry, process: ProcessMetrics(registry: registry))
    let api = API(
        hotPath: hotPath,
        postgres: postgres,
        hasher: hasher,
        signer: AccessTokenSigner(
            keys: configuration.tokenKeys,
            parties: configuration.tokenParties,
            lifetimeSeconds: configuration.tokenLifetimeSeconds
        ),
        verifier: verifier,
        digester: digester,
        durability: configuration.durability,
        refreshTokens: RefreshTokens(key: configuration.codeKey),
        sessionLimits: configuration.sessions,
        throttle: LoginThrottle(
            client: hotPath.client,
            shards: hotPath.shards,
            perUsername: configuration.loginsPerUsername,
            perAddress: configuration.loginsPerAddress
        ),
        loginGate: LoginGate(limit: limits.loginsAtOncePerAddress),
        trustedProxies: configuration.trustedProxies,
        limits: limits,
        users: users,
        coupons: CouponCache(postgres: postgres, limits: limits),
        codes: CodeIndex(postgres: postgres, limits: limits),
        loops: loops,
        metrics: metrics,
        auth: AuthMetrics(registry: registry)
    )

    let bound = BoundPorts()
    let hotServer = HTTPServerBuilder { responder in
        HotRouteChannel(responder: responder, limits: limits) { loops.services(on: $0) }
    }
    let apiListener = Listener(
        kind: .api,
        routes: APIRoutes(routes: api.routes + health.probes),
        host: configuration.host,
        port: configuration.port,
        server: hotServer,
        eventLoopGroup: eventLoopGroup
    )
    let opsListener = Listener(
        kind: .operations,
        routes: APIRoutes(routes: health.operations),
        host: configuration.opsHost,
        port: configuration.opsPort,
        server: .http1(
            configuration: .init(idleTimeout: TimeAmount(limits.idleTimeout), httpDecoderConfiguration: .init(limits))
        ),
        eventLoopGroup: nil
    )
    return ServerServices(
        services: [
            PasswordService(hasher: hasher),
            opsListener.service(limits: limits, metrics: metrics, bound: bound, logger: logger),
            durability,
            MemoryGuard(hotPath: hotPath, logger: logger),
            apiListener.service(limits: limits, metrics: metrics, bound: bound, logger: logger) {
                try await durability.checkAtStart()
            },
            DrainService(readiness: readiness, delay: configuration.shutdownDelay, logger: logger),
        ],
        bound: bound
    )
}

/// One of the two listeners.
struct Listener: Sendable {
    let kind: ListenerService.Kind
    let routes: APIRoutes
    let host: String
    let port: Int
    let server: HTTPServerBuilder
    /// `nil`: a thread of its own, so that probes are not behind the sale.
    let eventLoopGroup: (any EventLoopGroup)?

    func service(
        limits: ServerLimits,
        metrics: HTTPMetrics,
        bound: BoundPorts,
        logger: Logger,
        prelude: @escaping @Sendable () async throws -> Void = {}
    ) -> ListenerService {
        ListenerService(kind: kind, address: "\(host):\(port)", ports: bound, prelude: prelude) {
            let own = eventLoopGroup == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
            let application = Application(
                responder: routes.responder(ProblemMiddleware(routes: routes, metrics: metrics)),
                server: server,
                configuration: ApplicationConfiguration(
                    address: .hostname(host, port: port),
                    backlog: limits.backlog,
                    availableConnectionsDelegate: .maximum(limits.connections, logger: logger)
                ),
                onServerRunning: { channel in
                    // Connections have it from the socket that accepts them: set later, it would take back room that their
                    // clients have been promised, and what is on its way would be lost. Without it there is only no limit.
                    try? await channel.setOption(.socketOption(.so_rcvbuf), value: numericCast(limits.readBytes)).get()
                    bound.bound(kind, to: channel.localAddress?.port ?? 0)
                },
                eventLoopGroupProvider: .shared(eventLoopGroup ?? own ?? MultiThreadedEventLoopGroup.singleton),
                logger: logger
            )
            let result: Result<Void, any Error>
            do { result = .success(try await application.run()) } catch { result = .failure(error) }
            try await own?.shutdownGracefully()
            try result.get()
        }
    }
}
