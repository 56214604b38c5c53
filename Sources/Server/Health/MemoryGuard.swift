import HotPath
import Logging
import ServiceLifecycle

/// Sees to it that redemptions leave Redis memory for the rest: settling, which ends the backlog, and sessions. Above a share of
/// `maxmemory` nothing is accepted; all else is answered as ever.
struct MemoryGuard: Service {
    let hotPath: HotPath
    let logger: Logger

    /// From one look to the next. Redis grows by some tens of megabytes in it under the greatest load.
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

    /// A Redis that does not answer accepts nothing either: what was found out last stands.
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
