internal import ServiceLifecycle

extension Task where Success == Never, Failure == Never {
    /// Whether this task should come to an end: a graceful shutdown, or a cancellation.
    static var isStopping: Bool { isShuttingDownGracefully || isCancelled }
}
