import Glibc
import NIOPosix
import ServiceLifecycle
import Telemetry

/// Gives memory back to the system when many connections have ended. The allocator keeps what is free between what is in use, and one
/// byte in use keeps all below it: without this, a server has for good what it once needed for a moment.
struct MemoryReturn: Service {
    let metrics: HTTPMetrics
    let limits: ServerLimits

    func run() async throws {
        var (most, last) = (0.0, 0.0)
        while !Task.isShuttingDownGracefully {
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: limits.returnInterval) }
            } catch {
                return
            }
            let now = metrics.connections.current
            // Not while they are still ending.
            let isSteady = now >= last
            (most, last) = (max(most, metrics.connections.takeGreatest()), now)
            guard isSteady, most - now >= Double(limits.connectionsOfReturn) else { continue }
            most = now
            // It takes milliseconds, with the locks of the allocator.
            try? await NIOThreadPool.singleton.runIfActive { MemoryReturn.trim() }
        }
    }

    /// malloc_trim(3), which Swift's Glibc module lacks. Elsewhere than with glibc there is none.
    private static func trim() {
        typealias Trim = @convention(c) (Int) -> Int32
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
    }
}
