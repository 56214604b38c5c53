import FoundationEssentials
import Glibc
public import Logging

public struct LocalStackConfiguration: Sendable {
    /// The folder of all state. The servers' folders in it are `redis` and `postgres`, and `replica`, `sentinel-0` and `node-0` if there
    /// are such.
    public var directory: String
    public var redis = RedisOptions()
    /// How many Sentinels watch Redis and a replica; 0: there is no replica either.
    public var sentinels = 0
    public var sentinel = SentinelOptions()
    /// How many primaries of a cluster, each with a replica, there are in place of one Redis; 0: no cluster.
    public var clusterPrimaries = 0
    public var postgres = PostgresOptions()
    public var limits = StackLimits()

    public init(directory: String) { self.directory = directory }
}

/// A private Redis, alone, with a replica and Sentinels, or as a cluster, and a private Postgres, for development, tests and benchmarks.
/// Both end at the latest with this process, even when it is killed.
public struct LocalStack: Sendable {
    /// Redis, or the first node of the cluster.
    public let redis: RedisServer
    /// Redis, its replica and their Sentinels; `nil` if there are no Sentinels.
    public let group: RedisGroup?
    /// The nodes of the cluster; `nil` if Redis is not in one.
    public let cluster: RedisCluster?
    public let postgres: PostgresServer

    /// The URL of Redis, wherever it is, as `RedisEndpoint` takes it.
    public var redisURL: String { cluster?.url ?? group?.url ?? redis.url }

    /// Starts both servers on the folder, and returns when they are ready. The folder is made if it is missing.
    public static func start(_ configuration: LocalStackConfiguration, logger: Logger) async throws -> LocalStack {
        let folder = ServerFolder.reachable(configuration.directory, by: try ServerAccount.forServers())
        if folder != ServerFolder.standardized(configuration.directory) {
            logger.notice("the servers' user cannot enter \(configuration.directory): their data is in \(folder)")
        }
        let (options, limits) = (configuration, configuration.limits)
        async let redisStarted = startRedis(in: folder, options, logger)
        async let postgresStarted = PostgresServer.start(
            in: "\(folder)/postgres",
            options: options.postgres,
            limits: limits,
            logger: logger
        )
        let (redis, cluster): (RedisServer, RedisCluster?)
        do { (redis, cluster) = try await redisStarted } catch {
            await (try? postgresStarted)?.stop()
            throw error
        }
        let group: RedisGroup?
        do { group = try await startGroup(redis, in: folder, configuration, logger) } catch {
            await (try? postgresStarted)?.stop()
            await redis.stop()
            throw error
        }
        do { return LocalStack(redis: redis, group: group, cluster: cluster, postgres: try await postgresStarted) } catch {
            await group?.stop()
            await cluster?.stop()
            await redis.stop()
            throw error
        }
    }

    private static func startRedis(
        in folder: String,
        _ configuration: LocalStackConfiguration,
        _ logger: Logger
    ) async throws -> (RedisServer, RedisCluster?) {
        guard configuration.clusterPrimaries > 0 else {
            let (options, limits) = (configuration.redis, configuration.limits)
            return (try await RedisServer.start(in: "\(folder)/redis", options: options, limits: limits, logger: logger), nil)
        }
        let cluster = try await RedisCluster.start(
            in: folder,
            primaries: configuration.clusterPrimaries,
            options: configuration.redis,
            limits: configuration.limits,
            logger: logger
        )
        return (cluster.nodes[0], cluster)
    }

    private static func startGroup(
        _ redis: RedisServer,
        in folder: String,
        _ configuration: LocalStackConfiguration,
        _ logger: Logger
    ) async throws -> RedisGroup? {
        guard configuration.sentinels > 0 else { return nil }
        return try await RedisGroup.start(
            with: redis,
            in: folder,
            options: configuration.redis,
            sentinels: configuration.sentinels,
            sentinel: configuration.sentinel,
            limits: configuration.limits,
            logger: logger
        )
    }

    /// Stops Redis, then Postgres, since Redis's state depends on Postgres's.
    public func stop() async {
        await group?.stop()
        await cluster?.stop()
        await redis.stop()
        await postgres.stop()
    }

    /// Runs the body with all servers, and stops them, however the body ends.
    public static func withStack<T: Sendable>(
        _ configuration: LocalStackConfiguration,
        logger: Logger,
        _ body: (LocalStack) async throws -> T
    ) async throws -> T {
        let stack = try await start(configuration, logger: logger)
        do {
            let result = try await body(stack)
            await stack.stop()
            return result
        } catch {
            await stack.stop()
            throw error
        }
    }

    /// Removes the state of all servers. Throws if one of them runs.
    public static func erase(_ directory: String, limits: StackLimits = StackLimits()) async throws {
        let account = try ServerAccount.forServers()
        let folder = ServerFolder.reachable(directory, by: account)
        let present = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in present
        where ["redis", "postgres", "replica"].contains(name) || name.hasPrefix("sentinel-") || name.hasPrefix("node-") {
            let locked = try ServerFolder(path: "\(folder)/\(name)", account: account)
            // This runs as the user who owns the files, and who can delete no files of others.
            try await ServerPrograms.run(["find", ".", "-mindepth", "1", "-delete"], in: locked, limits: limits)
            rmdir(locked.path)
        }
        // A folder under /var/lib/redeem is ours, and empty now. The folder that was asked for may hold more than the servers'
        // state.
        if folder != ServerFolder.standardized(directory) { rmdir(folder) }
    }
}
