import Domain
import HotPath
import Logging
import Persistence
import PostgresClient
import RedisClient
import Telemetry

/// Asks Redis and Postgres for what probes and scrapes show, at most once in `ServerLimits.statusAge` however many ask.
actor StatusSampler {
    struct Check: Hashable, Sendable {
        let name: String
        /// Why the check fails, in words for an operator, without addresses; `nil`: it does not fail.
        let fault: String?
        /// True if redemptions are not decided while the check fails. Otherwise `fault` says what else fails.
        var isNeeded = true
    }

    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let limits: ServerLimits
    /// True if each redemption waits for Postgres.
    private let needsPostgres: Bool
    private let registry: PrometheusRegistry
    private let logger: Logger
    private var last: (checks: [Check], at: ContinuousClock.Instant)?
    private var sampling: Task<[Check], Never>?

    init(
        hotPath: HotPath,
        postgres: PostgresClient,
        needsPostgres: Bool,
        limits: ServerLimits,
        registry: PrometheusRegistry,
        logger: Logger
    ) {
        self.hotPath = hotPath
        self.postgres = postgres
        self.needsPostgres = needsPostgres
        self.limits = limits
        self.registry = registry
        self.logger = logger
    }

    func checks() async -> [Check] {
        if let last, ContinuousClock.now - last.at < limits.statusAge { return last.checks }
        if let sampling { return await sampling.value }
        let task = Task { await sample() }
        sampling = task
        let checks = await task.value
        sampling = nil
        last = (checks, .now)
        return checks
    }

    private nonisolated func sample() async -> [Check] {
        async let postgres = checkPostgres()
        var checks: [Check] = []
        for store in hotPath.stores { checks.append(await check(store)) }
        checks.append(await postgres)
        return checks
    }

    private nonisolated func check(_ store: ShardStore) async -> Check {
        let dimensions = [("shard", store.shard.description)]
        let open = registry.gauge(Metric.shardOpen.name, dimensions)
        let name = "shard \(store.shard)"
        do {
            let status = try await store.status()
            let isOpen = status.epoch != nil && status.scriptsLoaded
            open.set(Int64(isOpen ? 1 : 0))
            registry.gauge(Metric.outboxLength.name, dimensions).set(Int64(status.outboxLength))
            return Check(name: name, fault: isOpen ? nil : "closed: its owner has not opened it")
        } catch {
            open.set(Int64(0))
            logger.debug("a shard does not tell its status", metadata: ["shard": "\(store.shard)", "error": "\(error)"])
            return Check(name: name, fault: "Redis does not answer (\(error.code))")
        }
    }

    private nonisolated func checkPostgres() async -> Check {
        let postgres = postgres
        let logger = logger
        let fault: String? = await withFallback("Postgres does not answer in time", after: limits.probeTimeout) {
            do {
                return try await postgres.withConnection { connection in
                    try connection.ping()
                    return nil
                }
            } catch {
                logger.debug("Postgres does not answer a probe", metadata: ["error": "\(error)"])
                return "Postgres does not answer"
            }
        }
        return Check(
            name: "postgres",
            fault: fault.map { "\($0): logins, lists, and redemptions of users that are not in Redis fail" },
            isNeeded: needsPostgres
        )
    }
}
