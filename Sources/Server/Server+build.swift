import Credentials
import Domain
public import HotPath
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
import Persistence
public import PostgresClient
import RedisClient
public import ServiceLifecycle
public import Telemetry

/// A server, ready to be run.
public struct ServerServices: Sendable {
    /// In the order of their dependencies: a later one needs those before it.
    public let services: [any Service]
    private let bound: BoundPorts

    init(services: [any Service], bound: BoundPorts) {
        self.services = services
        self.bound = bound
    }

    /// Waits until both listeners listen. Throws the error that kept one of them from it.
    public func ports() async throws -> ServerPorts { try await bound.ports() }
}

/// Puts a server together: the API with the hot route in front, and the operations listener.
/// - Parameters:
///   - hotPath: has a Redis client of the same `eventLoopGroup`, so that each loop has its own connection.
///   - metrics: the registry that `/metrics` shows.
///   - eventLoopGroup: the threads of the API. The operations listener has a thread of its own.
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
    let judge = RedemptionJudge(
        verifier: verifier,
        digester: CodeDigester(key: configuration.codeKey),
        durability: configuration.durability
    )
    let hasher = PasswordHasher(configuration: configuration.passwords)
    let durability = DurabilityGuard(
        mode: configuration.durability,
        hotPath: hotPath,
        postgres: postgres,
        limits: limits,
        logger: logger
    )
    let sampler = StatusSampler(
        hotPath: hotPath,
        postgres: postgres,
        needsPostgres: configuration.durability == .ledger,
        limits: limits,
        registry: registry,
        logger: logger
    )
    let readiness = Readiness(sampler: sampler, durability: durability)
    let users = UserLoader(hotPath: hotPath, postgres: postgres, limits: limits, registry: registry, logger: logger)
    let ledger = LedgerWatch(postgres: postgres, limits: limits, logger: logger)
    let loops = LoopDirectory(eventLoops: hotPath.client.eventLoops) { eventLoop in
        LoopServices(
            judge: judge,
            limits: limits,
            loops: hotPath.client.eventLoops.count,
            metrics: metrics,
            logger: logger,
            decide: RedemptionDecider(
                on: eventLoop,
                hotPath: hotPath,
                users: users,
                durability: durability,
                ledger: ledger,
                logger: logger
            ).decide
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
        judge: judge,
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
    let apiGate = ConnectionGate(allowed: limits.connections, limits: limits, logger: logger)
    metrics.connectionsAllowed.set(Double(limits.connections))
    let apiResponder = APIRoutes(routes: api.routes + health.probes).responder(metrics: metrics)
    let hotServer = HTTPServerBuilder { _ in
        GatedChannel(inner: HotRouteChannel(responder: apiResponder, limits: limits) { loops.services(on: $0) }, gate: apiGate)
    }
    let apiListener = Listener(
        kind: .api,
        responder: apiResponder,
        host: configuration.host,
        port: configuration.port,
        server: hotServer,
        gate: apiGate,
        eventLoopGroup: eventLoopGroup
    )
    let opsListener = Listener.operations(
        APIRoutes(routes: health.operations).responder(metrics: metrics),
        host: configuration.opsHost,
        port: configuration.opsPort,
        limits: limits,
        logger: logger
    )
    let drain = DrainService(readiness: readiness, delay: configuration.shutdownDelay, logger: logger)
    return ServerServices(
        services: [PasswordService(hasher: hasher)]
            + opsListener.services(limits: limits, bound: bound, logger: logger)
            + [durability, MemoryGuard(hotPath: hotPath, logger: logger), MemoryReturn(metrics: metrics, limits: limits)]
            + apiListener.services(limits: limits, bound: bound, logger: logger) {
                try await durability.checkAtStart()
            } + [drain],
        bound: bound
    )
}
