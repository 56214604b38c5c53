public import Domain
public import HotPath
public import LocalStack
public import NIOCore
public import NIOPosix
import Persistence
public import PostgresClient
public import RedisClient

/// A Redis of the test's own, a migrated database of the test's own, and a client of each.
public struct TestEnvironment: Sendable {
    public let redis: RedisServer
    public let redisClient: RedisClient
    public let hotPath: HotPath
    public let postgres: PostgresClient
    public let postgresConfiguration: PostgresConfiguration
    /// The loops of `redisClient`.
    public let eventLoopGroup: any EventLoopGroup

    /// Of the one shard.
    public var store: ShardStore { hotPath.stores[0] }

    /// Begins the shard's next epoch from what Postgres has, as its owner would when Redis is empty.
    @discardableResult
    public func openShard() async throws -> Epoch {
        let shard = store.shard
        let (cursor, snapshot) = try await postgres.withConnection { connection in
            let cursor = try connection.beginEpoch(shard, after: connection.cursor(of: shard))
            return (cursor, try connection.couponsSnapshot())
        }
        try await store.close(coupons: snapshot.coupons.map(\.id))
        try await store.beginEpoch(cursor.epoch)
        try await store.writeCoupons(snapshot.coupons, epoch: cursor.epoch)
        try await store.writeShard(epoch: cursor.epoch, control: snapshot.control, mark: snapshot.mark)
        try await store.loadScripts()
        return cursor.epoch
    }
}

/// Runs the body with an environment of its own. The shard is closed until `openShard`, or until a sync worker runs.
/// - Parameter isDurable: whether the database is one that durability `ledger` can rest on.
public func withTestEnvironment<T: Sendable>(
    redis options: RedisOptions = RedisOptions(),
    isDurable: Bool = false,
    limits: HotPathLimits = HotPathLimits(),
    commandDeadline: Duration = .seconds(5),
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    _ body: (TestEnvironment) async throws -> T
) async throws -> T {
    try await withRedis(options) { redis in
        try await (isDurable ? withDurableDatabase : withMigratedDatabase) { url in
            let configuration = PostgresConfiguration(url: url)
            let postgres = PostgresClient(configuration: configuration, logger: testLogger())
            var redisConfiguration = try RedisConfiguration.forTests(redis.url)
            redisConfiguration.commandDeadline = commandDeadline
            let client = RedisClient(
                configuration: redisConfiguration,
                eventLoopGroup: eventLoopGroup,
                logger: testLogger()
            )
            let close = {
                await client.close()
                await postgres.close()
            }
            return try await stopping(close) {
                try await client.connect()
                return try await body(
                    TestEnvironment(
                        redis: redis,
                        redisClient: client,
                        hotPath: HotPath(client: client, limits: limits),
                        postgres: postgres,
                        postgresConfiguration: configuration,
                        eventLoopGroup: eventLoopGroup
                    )
                )
            }
        }
    }
}
