internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// The life of a process that serves. It runs until a signal to stop (SIGTERM, SIGINT), then finishes what was begun. A second
/// signal, or the end of the time for this, cuts off what is still under way. That breaks no promise: a client without an answer
/// asks again, and every decision that was answered is in Redis.
struct Lifetime {
    let signals: [UnixSignal]
    /// How long the process may take to finish what was begun.
    let limit: Duration
    let manager: ServiceManager?
    let logger: Logger

    /// How long the services may take to end once they are cut off.
    private static let lastLimit: Duration = .seconds(1)

    /// Returns when the services have ended. Throws the error that ended them, unless it was a signal.
    func run(_ services: [ServiceGroupConfiguration.ServiceConfiguration]) async throws {
        let arriving = await UnixSignalsSequence(trapping: signals)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger))
        let running = Task { try await group.run() }
        let hurry = Hurry(running, logger)
        let watching = Task {
            var limit: Task<Void, any Error>?
            for await signal in arriving {
                guard limit == nil else {
                    hurry.begin("another signal: \(signal)")
                    continue
                }
                logger.notice("stopping", metadata: ["signal": "\(signal)"])
                manager?.stopping()
                await group.triggerGracefulShutdown()
                limit = Task {
                    try await Task.sleep(for: self.limit)
                    hurry.begin("stopping takes more than \(self.limit.components.seconds) s")
                }
            }
            limit?.cancel()
        }
        defer { watching.cancel() }
        do {
            try await withTaskCancellationHandler {
                try await running.value
            } onCancel: {
                running.cancel()
            }
        } catch {
            guard hurry.hasBegun else { throw error }
        }
        logger.notice("stopped")
    }

    /// Cancels the services, at most once, and ends the process if they do not end.
    private final class Hurry: Sendable {
        private let running: Task<Void, any Error>
        private let logger: Logger
        private let begun = Atomic<Bool>(false)

        init(_ running: Task<Void, any Error>, _ logger: Logger) {
            self.running = running
            self.logger = logger
        }

        var hasBegun: Bool { begun.load(ordering: .acquiring) }

        func begin(_ reason: String) {
            guard !begun.exchange(true, ordering: .acquiringAndReleasing) else { return }
            logger.warning("cutting off what is under way", metadata: ["reason": "\(reason)"])
            running.cancel()
            Task { [logger] in
                try await Task.sleep(for: Lifetime.lastLimit)
                logger.critical("services do not end; the process does")
                _exit(EXIT_FAILURE)
            }
        }
    }
}
