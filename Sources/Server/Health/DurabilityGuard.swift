import Domain
import HotPath
import Logging
import ServiceLifecycle
import Synchronization

/// Sees to it that the service claims no durability that Redis is not configured for: looks before the first redemption, and
/// from time to time after it, since a failover may bring another Redis.
final class DurabilityGuard: Service, Sendable {
    private let mode: Durability
    private let client: RedisClient
    private let logger: Logger
    private let kept = Atomic<Bool>(false)
    private let reasons = Mutex<[String]>(["not looked at yet"])

    static let interval: Duration = .seconds(1)
    /// How long a start waits for a Redis that is not there yet.
    static let patience: Duration = .seconds(30)
    private static let retryInterval: Duration = .milliseconds(200)

    init(mode: Durability, client: RedisClient, logger: Logger) {
        self.mode = mode
        self.client = client
        self.logger = logger
    }

    /// Whether redemptions may be taken.
    var holds: Bool { kept.load(ordering: .relaxed) }

    /// Why not.
    var reason: String? { holds ? nil : reasons.withLock { $0.joined(separator: "; ") } }

    /// Returns when Redis is known to keep the promise. Throws `CancellationError` when the service is told to stop before.
    func checkAtStart() async throws {
        let deadline = ContinuousClock.now + DurabilityGuard.patience
        var tries = 0
        while true {
            if Task.isShuttingDownGracefully { throw CancellationError() }
            do {
                let settings = try await RedisSettings(client: client)
                let faults = settings.faults(of: mode)
                guard faults.isEmpty else { throw DurabilityError.notConfigured(mode, faults) }
                return set([])
            } catch let error as RedisError where error.isPassing && ContinuousClock.now < deadline {
                if tries.isMultiple(of: 25) { logger.info("waiting for Redis", metadata: ["error": "\(error)"]) }
                tries += 1
                try await Task.sleep(for: DurabilityGuard.retryInterval)
            } catch let error as RedisError {
                throw DurabilityError(error)
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
            await look()
        }
    }

    private func look() async {
        do {
            let faults = try await RedisSettings(client: client).faults(of: mode)
            if !faults.isEmpty, holds {
                let error = DurabilityError.notConfigured(mode, faults)
                logger.critical("redemptions are refused", metadata: ["reason": "\(error)"])
            } else if faults.isEmpty, !holds {
                logger.notice("Redis keeps the promised durability again")
            }
            set(faults.map(\.setting))
        } catch {
            // A Redis that does not answer takes no redemptions either. What was found out last stands.
            logger.debug("Redis cannot be asked for its configuration", metadata: ["error": "\(error)"])
        }
    }

    private func set(_ faults: [String]) {
        reasons.withLock { $0 = faults.map { "Redis has \($0)" } }
        kept.store(faults.isEmpty, ordering: .releasing)
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
