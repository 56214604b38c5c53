import Credentials
import Logging
import ServiceLifecycle

/// Makes probes fail when a shutdown begins, and gives load balancers the time to notice before the listener stops. It is the
/// last service, since a group stops its last service first.
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

/// Stops the threads that hash passwords, after all other services. It is the first service, since a group stops its first
/// service last.
struct PasswordService: Service {
    let hasher: PasswordHasher

    func run() async throws {
        // Cancellation of the group means a stop, too.
        do { try await gracefulShutdown() } catch {}
        await hasher.close()
    }
}
