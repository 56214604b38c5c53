internal import ServiceLifecycle

/// The clock of an owner's loop: it tells the time, and waits.
struct SyncClock: Sendable {
    let now: @Sendable () -> ContinuousClock.Instant
    /// Ends early when the task is cancelled or the service is shutting down.
    let sleep: @Sendable (Duration) async -> Void

    static let continuous = SyncClock(
        now: { .now },
        sleep: { duration in try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) } }
    )
}
