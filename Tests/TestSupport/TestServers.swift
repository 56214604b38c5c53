import FoundationEssentials
public import LocalStack
public import Logging
public import RedisClient

/// Servers log little, and only what a failing test is about.
public func testLogger(level: Logger.Level = .warning) -> Logger {
    var logger = Logger(label: "test", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = level
    return logger
}

/// Runs the body with a folder of its own, which is removed afterwards.
public func withTemporaryFolder<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
    let folder = try await TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// Runs the body with a redis-server of its own.
public func withRedis<T: Sendable>(
    _ options: RedisOptions = RedisOptions(),
    password: String? = nil,
    _ body: (RedisServer) async throws -> T
) async throws -> T {
    try await withTemporaryFolder { folder in
        let redis = try await RedisServer.start(
            in: "\(folder)/redis",
            options: options,
            password: password,
            logger: testLogger()
        )
        return try await stopping({ await redis.stop() }) { try await body(redis) }
    }
}

/// Of the server that the tests run.
public func redisVersion() async throws -> RedisVersion {
    try await withRedis { RedisVersion(try await $0.command(RedisVersion.question)) }
}

/// Runs the body with a primary, a replica and Sentinels of its own.
public func withRedisGroup<T: Sendable>(
    _ options: RedisOptions = RedisOptions(),
    sentinels: Int = 1,
    _ body: (RedisGroup) async throws -> T
) async throws -> T {
    try await withTemporaryFolder { folder in
        let primary = try await RedisServer.start(in: "\(folder)/redis", options: options, logger: testLogger())
        return try await stopping({ await primary.stop() }) {
            var sentinel = SentinelOptions()
            sentinel.quorum = sentinels / 2 + 1
            let group = try await RedisGroup.start(
                with: primary,
                in: folder,
                options: options,
                sentinels: sentinels,
                sentinel: sentinel,
                logger: testLogger()
            )
            return try await stopping({ await group.stop() }) {
                try await group.hurry()
                return try await body(group)
            }
        }
    }
}

/// Runs the body with a cluster of its own: three primaries, each with a replica.
public func withRedisCluster<T: Sendable>(
    _ options: RedisOptions = RedisOptions(),
    _ body: (RedisCluster) async throws -> T
) async throws -> T {
    try await withTemporaryFolder { folder in
        let cluster = try await RedisCluster.start(in: folder, options: options, logger: testLogger())
        return try await stopping({ await cluster.stop() }) { try await body(cluster) }
    }
}

/// Runs the body with a Postgres server of its own, for tests that kill it; `withDatabase` is much cheaper.
public func withPostgres<T: Sendable>(
    _ options: PostgresOptions = .forTests,
    _ body: (PostgresServer) async throws -> T
) async throws -> T {
    try await withTemporaryFolder { folder in
        let postgres = try await PostgresServer.start(in: "\(folder)/postgres", options: options, logger: testLogger())
        return try await stopping({ await postgres.stop() }) { try await body(postgres) }
    }
}

extension PostgresOptions {
    /// Without fsync: what a test commits survives a killed server, and no test takes the machine's power away.
    public static var forTests: PostgresOptions {
        var options = PostgresOptions()
        options.fsync = false
        options.maxConnections = 400
        // In the data folder, which is removed, rather than in /dev/shm, where a killed server leaves it.
        options.extra["dynamic_shared_memory_type"] = "mmap"
        return options
    }
}

/// Runs the body, then `stop`, however the body ended.
public func stopping<T: Sendable>(_ stop: () async -> Void, _ body: () async throws -> T) async throws -> T {
    do {
        let result = try await body()
        await stop()
        return result
    } catch {
        await stop()
        throw error
    }
}
