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
