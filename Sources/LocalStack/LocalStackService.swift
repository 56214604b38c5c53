public import ServiceLifecycle

/// Keeps a started stack until the graceful shutdown. Listed first in a service group, it is stopped last. A server that
/// ends by itself is an error, which ends the group.
public struct LocalStackService: Service {
    private let stack: LocalStack

    public init(_ stack: LocalStack) { self.stack = stack }

    public func run() async throws {
        let unexpected = await withTaskGroup(of: LocalStackError?.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                return nil
            }
            for node in stack.cluster?.nodes ?? stack.group?.nodes ?? [stack.redis] {
                group.addTask { await node.waitUntilExit() }
            }
            for sentinel in stack.group?.sentinels ?? [] { group.addTask { await sentinel.waitUntilExit() } }
            group.addTask { await stack.postgres.waitUntilExit() }
            let first = await group.next() ?? nil
            // Tasks that wait for a server's exit return once it has stopped.
            await stack.stop()
            group.cancelAll()
            return first
        }
        if let unexpected { throw unexpected }
    }
}
