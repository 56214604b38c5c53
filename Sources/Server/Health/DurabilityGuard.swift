import Domain
import HotPath
import Logging
import Persistence
import ServiceLifecycle
import Synchronization

/// Sees to it that the service claims no durability that Redis and Postgres are not configured for: looks before the first
/// redemption, and from time to time after it, since a failover may bring another Redis.
final class DurabilityGuard: Service, Sendable {
    /// What the server promises at least; a request may ask for more.
    private let mode: Durability
    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let logger: Logger
    /// A bit for each mode.
    private let kept = Atomic<Int>(0)
    private let reasons = Mutex<[String]>(["not looked at yet"])

    static let interval: Duration = .seconds(1)
    /// How long a start waits for a Redis, or a Postgres, that is not there yet.
    static let patience: Duration = .seconds(30)
    private static let retryInterval: Duration = .milliseconds(200)

    init(mode: Durability, hotPath: HotPath, postgres: PostgresClient, logger: Logger) {
        self.mode = mode
        self.hotPath = hotPath
        self.postgres = postgres
        self.logger = logger
    }

    /// Whether redemptions may be taken that promise `mode`.
    func holds(_ mode: Durability) -> Bool { kept.load(ordering: .relaxed) & mode.bit != 0 }

    /// Why not; `nil`: they may, in the server's own mode.
    var reason: String? { holds(mode) ? nil : reasons.withLock { $0.joined(separator: "; ") } }

    /// Returns when the promise of the server's own mode is known to be kept. Throws `CancellationError` when the service is told
    /// to stop before.
    func checkAtStart() async throws {
        let deadline = ContinuousClock.now + DurabilityGuard.patience
        var tries = 0
        while true {
            if Task.isShuttingDownGracefully { throw CancellationError() }
            do {
                let found = try await look()
                if let error = found.errors[mode] { throw error }
                return set(found)
            } catch let error as DurabilityError {
                throw error
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
        while !Task.isShuttingDownGracefully {
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: DurabilityGuard.interval) }
            } catch {
                return
            }
            do {
                let found = try await look()
                if let error = found.errors[mode], holds(mode) {
                    logger.critical("redemptions are refused", metadata: ["reason": "\(error)"])
                } else if found.errors[mode] == nil, !holds(mode) {
                    logger.notice("the promised durability is kept again")
                }
                set(found)
            } catch {
                // A Redis that does not answer takes no redemptions either. What was found out last stands.
                logger.debug("the configuration cannot be asked for", metadata: ["error": "\(error)"])
            }
        }
    }

    private struct Found {
        /// Why a mode is not kept.
        var errors: [Durability: DurabilityError] = [:]
        var reasons: [String] = []
    }

    private func look() async throws -> Found {
        let redis = try await RedisSettings(client: hotPath.client)
        var found = Found()
        for mode in Durability.allCases {
            let faults = redis.faults(of: mode, replicas: hotPath.limits.replicas)
            guard !faults.isEmpty else { continue }
            found.errors[mode] = .notConfigured(mode, faults)
            if mode == self.mode { found.reasons = faults.map { "Redis has \($0.setting)" } }
        }
        do {
            let faults = try await PostgresSettings(postgres).faults
            guard !faults.isEmpty else { return found }
            found.errors[.ledger] = .notConfigured(faults)
            if mode == .ledger { found.reasons += faults.map { "Postgres has \($0)" } }
        } catch  where mode != .ledger {
            // Other modes do not wait for it; what a request may ask for beyond them is found out at the next look.
            found.errors[.ledger] = DurabilityError(error)
        }
        return found
    }

    private func set(_ found: Found) {
        reasons.withLock { $0 = found.reasons }
        let modes = Durability.allCases.filter { found.errors[$0] == nil }
        kept.store(modes.reduce(0) { $0 | $1.bit }, ordering: .releasing)
    }
}

extension Durability {
    fileprivate var bit: Int {
        switch self {
        case .relaxed: 1
        case .local: 2
        case .replicated: 4
        case .ledger: 8
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
