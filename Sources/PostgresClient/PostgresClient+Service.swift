public import ServiceLifecycle

extension PostgresClient: Service {
    /// Waits for the graceful shutdown and closes the pool then. List it before the services that use it: they stop first.
    public func run() async throws {
        do {
            try await gracefulShutdown()
        } catch is CancellationError {
            // Cancelled without a graceful shutdown: close all the same.
        }
        await close()
    }
}
