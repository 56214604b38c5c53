import Credentials
import Logging
import ServiceLifecycle

/// The last service of all, hence the first to hear of a shutdown: says no to probes, and leaves load balancers the time to
/// notice, before the listener behind it stops.
struct DrainService: Service {
    let readiness: Readiness
    let delay: Duration
    let logger: Logger

    func run() async throws {
        try await gracefulShutdown()
        readiness.stop()
        logger.info("draining", metadata: ["seconds": "\(delay.components.seconds)"])
        if delay > .zero { try await Task.sleep(for: delay) }
    }
}

/// Keeps the password threads for as long as anything else runs.
struct PasswordService: Service {
    let hasher: PasswordHasher

    func run() async throws {
        // A cancelled group stops too, only less gently.
        do { try await gracefulShutdown() } catch {}
        await hasher.close()
    }
}
