import Domain
import HotPath
import Logging
import Persistence
import PostgresClient
import RedisClient
import ServiceLifecycle
import Synchronization

/// Sees to it that the service claims no durability that Redis and Postgres are not configured for: looks before the first
/// redemption, and from time to time after it, since a failover may bring another Redis. The one is not waited for to see the
/// other.
final class DurabilityGuard: Service, Sendable {
    /// What the server promises at least; a request may ask for more.
    private let mode: Durability
    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let logger: Logger
    /// A bit for each mode.
    private let kept = Atomic<Int>(0)
    private let found = Mutex(Found())

    static let interval: Duration = .seconds(1)
    /// How long a start waits for a Redis, or a Postgres, that is not there yet.
    static let patience: Duration = .seconds(30)
    private static let retryInterval: Duration = .milliseconds(200)

    init(mode: Durability, hotPath: HotPath, postgres: PostgresClient, limits: ServerLimits, logger: Logger) {
        self.mode = mode
        self.hotPath = hotPath
        self.postgres = postgres
        self.limits = limits
        self.logger = logger
    }

    /// Whether redemptions may be taken that promise `mode`.
    func holds(_ mode: Durability) -> Bool { kept.load(ordering: .relaxed) & 1 << mode.rank != 0 }

    /// Why not; `nil`: they may, in the server's own mode.
    var reason: String? { error?.summary }

    private var error: DurabilityError? { found.withLock { $0.error(of: mode) } }

    // MARK: What was found

    /// Why a mode is not kept, as it was last seen. Nothing is kept before Redis and Postgres have told.
    private struct Found {
        var redis: [Durability: DurabilityError]?
        var postgres: DurabilityError? = .notLookedAt

        func error(of mode: Durability) -> DurabilityError? {
            guard let redis else { return .notLookedAt }
            return redis[mode] ?? (mode == .ledger ? postgres : nil)
        }
    }

    private func update(_ change: (inout Found) -> Void) {
        let (before, after) = found.withLock { found in
            let before = found.error(of: mode)
            change(&found)
            let modes = Durability.allCases.filter { found.error(of: $0) == nil }
            kept.store(modes.reduce(0) { $0 | 1 << $1.rank }, ordering: .releasing)
            return (before, found.error(of: mode))
        }
        if let after, before == nil {
            logger.critical("redemptions are refused", metadata: ["reason": "\(after)"])
        } else if let before, before != .notLookedAt, after == nil {
            logger.notice("the promised durability is kept again")
        }
    }

    private func lookAtRedis() async throws {
        let settings = try await RedisSettings(client: hotPath.client)
        let errors = Durability.allCases.compactMap { mode in
            DurabilityError(mode, settings.faults(of: mode, replicas: hotPath.limits.replicas)).map { (mode, $0) }
        }
        update { $0.redis = Dictionary(uniqueKeysWithValues: errors) }
    }

    private func lookAtPostgres() async throws {
        do {
            let settings = try await PostgresSettings(postgres)
            update { $0.postgres = DurabilityError(settings) }
        } catch  where mode != .ledger {
            // A request that asks for more than the server's mode is better refused than decided and never confirmed.
            update { $0.postgres = DurabilityError(error) }
        }
    }

    // MARK: When it looks

    /// Returns when the promise of the server's own mode is known to be kept. Throws `CancellationError` when the service is told
    /// to stop before.
    func checkAtStart() async throws {
        try await patiently(lookAtRedis)
        if let error = found.withLock({ $0.redis?[mode] }) { throw error }
        if mode == .ledger {
            try await patiently(lookAtPostgres)
        } else {
            // What a request may ask for beyond the mode may as well be known a moment later.
            await withFallback((), after: limits.probeTimeout) { [self] in try? await lookAtPostgres() }
        }
        if Task.isShuttingDownGracefully { throw CancellationError() }
        if let error { throw error }
    }

    private func patiently(_ look: () async throws -> Void) async throws {
        let deadline = ContinuousClock.now + DurabilityGuard.patience
        var tries = 0
        while true {
            if Task.isShuttingDownGracefully { throw CancellationError() }
            do {
                return try await look()
            } catch {
                let isPassing = (error as? RedisError)?.isPassing ?? true
                guard isPassing, ContinuousClock.now < deadline else { throw DurabilityError(error) }
                if tries.isMultiple(of: 25) { logger.info("waiting for Redis and Postgres", metadata: ["error": "\(error)"]) }
                tries += 1
                try await Task.sleep(for: DurabilityGuard.retryInterval)
            }
        }
    }

    func run() async throws {
        async let redis: Void = repeatedly(lookAtRedis)
        async let postgres: Void = repeatedly(lookAtPostgres)
        _ = await (redis, postgres)
    }

    private func repeatedly(_ look: () async throws -> Void) async {
        while !Task.isShuttingDownGracefully {
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: DurabilityGuard.interval) }
            } catch {
                return
            }
            do {
                try await look()
            } catch {
                // A Redis that does not answer takes no redemptions, and a Postgres that does not answer confirms none: what was
                // found out last stands.
                logger.debug("the configuration cannot be asked for", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension RedisError {
    /// Whether another try may find it mended.
    fileprivate var isPassing: Bool {
        switch code {
        case .notConnected, .connectionLost, .deadlineExceeded: true
        case .serverError: serverPrefix == "LOADING"
        default: false
        }
    }
}
