internal import HotPath
internal import Logging
internal import NIOPosix
internal import Persistence
internal import PostgresClient
internal import RedisClient

/// Connections to both stores.
struct TortureStores: Sendable {
    let client: RedisClient
    let postgres: PostgresClient

    var store: ShardStore { HotPath(client: client).stores[0] }

    init(redis: String, postgres url: String, logger: Logger) throws {
        var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: redis))
        configuration.commandDeadline = .seconds(2)
        configuration.reconnectBackoffMaximum = .milliseconds(50)
        client = RedisClient(
            configuration: configuration,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        postgres = PostgresClient(configuration: TortureStores.impatient(url), logger: logger)
    }

    /// A program that looks on must not wait for long if Postgres does not answer.
    static func impatient(_ url: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(url: url)
        configuration.maximumConnections = 4
        configuration.connectTimeout = .seconds(2)
        configuration.statementTimeout = .seconds(20)
        configuration.replyGrace = .seconds(1)
        return configuration
    }

    /// Tries again for a while, since a server that has just started may not be connected yet.
    func patiently<Result>(_ body: (TortureStores) async throws -> Result) async throws -> Result {
        for _ in 1..<TortureStores.attempts {
            do { return try await body(self) } catch { try await Task.sleep(for: TortureStores.pause) }
        }
        return try await body(self)
    }

    private static let attempts = 50
    private static let pause: Duration = .milliseconds(100)

    func close() async {
        await client.close()
        await postgres.close()
    }
}
