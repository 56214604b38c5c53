internal import HotPath
internal import NIOCore
internal import RedisClient

extension App {
    /// Returns when all shards take redemptions.
    func waitUntilOpen() async throws {
        let client = RedisClient(configuration: redis, eventLoopGroup: eventLoopGroup.next(), logger: logger)
        try await client.connect()
        let stores = HotPath(client: client).stores
        for store in stores {
            while !Task.isCancelled {
                let status = try await store.status()
                if status.scriptsLoaded, status.epoch != nil { break }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        await client.close()
    }
}
