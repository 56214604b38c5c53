internal import ServiceLifecycle

extension Task where Success == Never, Failure == Never {
    /// True if this task should end: the service shuts down, or the task is cancelled.
    static var isStopping: Bool { isShuttingDownGracefully || isCancelled }
}
