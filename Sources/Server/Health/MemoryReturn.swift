import Glibc
import NIOPosix
import ServiceLifecycle
import Telemetry

/// Gives memory back to the system when many connections have ended. The allocator keeps all free memory below a byte that is in
/// use. Without this a server would keep for good what it once needed for a moment.
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
            // Memory is not given back while connections are still ending.
            let isSteady = now >= last
            (most, last) = (max(most, metrics.connections.takeGreatest()), now)
            guard isSteady, most - now >= Double(limits.connectionsOfReturn) else { continue }
            most = now
            // This holds locks of the allocator for milliseconds, so it runs on another thread.
            try? await NIOThreadPool.singleton.runIfActive { MemoryReturn.trim() }
        }
    }

    /// Calls malloc_trim(3), which Swift's Glibc module lacks. Only glibc has it.
    private static func trim() {
        typealias Trim = @convention(c) (Int) -> Int32
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
    }
}
