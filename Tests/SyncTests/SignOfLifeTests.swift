import HotPath
import LocalStack
import Logging
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// Postgres ends the connection of an owner that is silent, and so its ownership. Whatever an owner has to do in Redis, and
/// however long that takes, it is not silent.
@Suite(.serialized) struct SignOfLifeTests {
    @Test func anOwnerThatWaitsForRedisKeepsItsShard() async throws {
        try await SyncEnvironment.with { env in
            var redis = try RedisConfiguration.forTests(env.url)
            redis.commandDeadline = .seconds(60)
            let client = RedisClient(
                configuration: redis,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger(level: .error)
            )
            try await stopping({ await client.close() }) {
                try await client.connect()
                let patient = SyncEnvironment(
                    redis: env.redis,
                    url: env.url,
                    client: client,
                    hotPath: HotPath(client: client),
                    postgres: env.postgres,
                    postgresConfiguration: env.postgresConfiguration
                )
                try await keepsItsShard(patient)
            }
        }
    }

    private func keepsItsShard(_ env: SyncEnvironment) async throws {
        var configuration = SyncConfiguration()
        configuration.ownerSilence = .seconds(3)
        defer { env.redis.resume() }
        // It is about to look through Redis when that stops.
        let suspending = await env.locked("coupons", "access exclusive", until: "the owner reads the coupons") {
            env.redis.suspend()
        }
        try await env.withWorker(configuration) {
            #expect(try await suspending.value)
            let owner = try await owner(env)
            let began = try await seconds(env)
            try await until("the silence that it is allowed is over") { try await seconds(env) > began + 4.5 }
            #expect(try await self.owner(env) == owner)
            env.redis.resume()
            try await env.untilOpen(1)
            #expect(try await self.owner(env) == owner)
        }
    }

    /// The connections that own a shard.
    private func owner(_ env: SyncEnvironment) async throws -> [Int] {
        try await env.postgres.withConnection { connection in
            let sql = """
                select pid from pg_locks where locktype = 'advisory' and granted and classid::bigint = 1382376557 and objid = 0
                and database = (select oid from pg_database where datname = current_database())
                """
            return try connection.query(sql).map { try $0.decode(0, as: Int.self) }
        }
    }

    /// By Postgres's clock.
    private func seconds(_ env: SyncEnvironment) async throws -> Double {
        let sql = "select (extract(epoch from clock_timestamp()) * 1000)::bigint"
        return Double(try await env.postgres.withConnection { try $0.query(sql)[0].decode(0, as: Int.self) }) / 1000
    }
}
