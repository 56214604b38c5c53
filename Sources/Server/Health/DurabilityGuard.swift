import Domain
import HotPath
import Logging
import Persistence
import PostgresClient
import RedisClient
import ServiceLifecycle
import Synchronization

/// Keeps the service from promising a durability that Redis and Postgres are not configured for. It looks at both before the
/// first redemption, and again each second, since a failover may bring another Redis. The look at one does not wait for the
/// other.
final class DurabilityGuard: Service, Sendable {
    /// The least that the server promises; a request may ask for more.
    private let mode: Durability
    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let logger: Logger
    /// The modes that are kept, one bit for each.
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

    /// True if redemptions that promise `mode` may be taken.
    func holds(_ mode: Durability) -> Bool { kept.load(ordering: .relaxed) & 1 << mode.rank != 0 }

    /// Why the server's own mode is not kept; `nil`: it is.
    var reason: String? { error?.summary }

    private var error: DurabilityError? { found.withLock { $0.error(of: mode) } }

    // MARK: Faults

    /// The faults that were seen last. No mode is kept before Redis and Postgres have been looked at.
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
            // A request may ask for `ledger` all the same. It is better refused than decided and never confirmed.
            update { $0.postgres = DurabilityError(error) }
        }
    }

    // MARK: Looks

    /// Returns when the promise of the server's own mode is known to be kept. Throws `CancellationError` when the service is told
    /// to stop before.
    func checkAtStart() async throws {
        try await patiently(lookAtRedis)
        if let error = found.withLock({ $0.redis?[mode] }) { throw error }
        if mode == .ledger {
            try await patiently(lookAtPostgres)
        } else {
            // Only requests that ask for more than the server's mode need this, so the start does not wait long for it.
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
                // A Redis that does not answer takes no redemptions, and a Postgres that does not answer confirms none. So what
                // was found last stands.
                logger.debug("the configuration cannot be asked for", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension RedisError {
    /// True if another try may succeed.
    fileprivate var isPassing: Bool {
        switch code {
        case .notConnected, .connectionLost, .deadlineExceeded: true
        case .serverError: serverPrefix == "LOADING"
        default: false
        }
    }
}
