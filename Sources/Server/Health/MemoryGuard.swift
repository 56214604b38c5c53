import HotPath
import Logging
import ServiceLifecycle

/// Keeps memory in Redis free for sessions, and for settling, which ends a backlog. While Redis uses more than a share of its
/// `maxmemory`, no redemption is accepted; everything else is answered as ever.
struct MemoryGuard: Service {
    let hotPath: HotPath
    let logger: Logger

    /// The time between two looks. Under the greatest load Redis grows by some tens of megabytes in it.
    static let interval: Duration = .milliseconds(250)

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            await look()
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: MemoryGuard.interval) }
            } catch {
                return
            }
        }
    }

    /// A Redis that does not answer accepts no redemptions either, so what was found last stands.
    private func look() async {
        guard let memory = try? await hotPath.client.memory() else { return }
        let isShort = memory.isAbove(share: hotPath.limits.memoryShare)
        guard hotPath.setMemoryShort(isShort) else { return }
        let metadata: Logger.Metadata = ["used": "\(memory.used)", "maxmemory": "\(memory.limit ?? 0)"]
        if isShort {
            logger.error("Redis is nearly full: no redemption is accepted", metadata: metadata)
        } else {
            logger.notice("Redis has room again", metadata: metadata)
        }
    }
}
