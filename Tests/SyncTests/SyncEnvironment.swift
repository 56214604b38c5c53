import Domain
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

/// A Redis and a database of the test's own, and what servers would do with them.
struct SyncEnvironment: Sendable {
    /// The primary, at least at first.
    let redis: RedisServer
    /// Of Redis, or of the Sentinels that know where it is.
    let url: String
    let client: RedisClient
    let hotPath: HotPath
    let postgres: PostgresClient
    let postgresConfiguration: PostgresConfiguration

    var store: ShardStore { hotPath.stores[0] }

    static func with(_ body: (SyncEnvironment) async throws -> Void) async throws {
        try await withRedis { try await with($0, $0.url, body) }
    }

    /// With a replica and a Sentinel beside Redis.
    static func withGroup(_ body: (SyncEnvironment, RedisGroup) async throws -> Void) async throws {
        try await withRedisGroup { group in try await with(group.nodes[0], group.url) { try await body($0, group) } }
    }

    /// With a cluster, of which `redis` is the node that has the shard at first.
    static func withCluster(_ body: (SyncEnvironment, RedisCluster) async throws -> Void) async throws {
        try await withRedisCluster { cluster in
            let slot = HashSlot(of: "{s0}").number
            let slots = try await cluster.nodes[0].command("CLUSTER", "SLOTS").array ?? []
            let range = slots.compactMap(\.array).first { ($0[0].integer ?? .max) <= slot && slot <= ($0[1].integer ?? -1) }
            let port = range?[2].array?[1].integer
            let node = try #require(cluster.nodes.first { $0.port == port })
            try await with(node, cluster.url) { try await body($0, cluster) }
        }
    }

    private static func with(
        _ redis: RedisServer,
        _ redisURL: String,
        _ body: (SyncEnvironment) async throws -> Void
    ) async throws {
        try await withMigratedDatabase { url in
            let configuration = PostgresConfiguration(url: url)
            let postgres = PostgresClient(configuration: configuration, logger: testLogger())
            let client = RedisClient(
                configuration: try .forTests(redisURL),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger(level: .error)
            )
            try await client.connect()
            let environment = SyncEnvironment(
                redis: redis,
                url: redisURL,
                client: client,
                hotPath: HotPath(client: client),
                postgres: postgres,
                postgresConfiguration: configuration
            )
            do { try await body(environment) } catch {
                await client.close()
                await postgres.close()
                throw error
            }
            await client.close()
            await postgres.close()
        }
    }

    /// Runs a worker while the body runs, and waits until it has stopped.
    func withWorker<T: Sendable>(
        _ configuration: SyncConfiguration = SyncConfiguration(),
        logger: Logger = testLogger(level: .critical),
        _ body: () async throws -> T
    ) async throws -> T {
        let reader = RedisClient(
            configuration: try .forTests(url),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: testLogger(level: .error)
        )
        let worker = SyncWorker(
            hotPath: hotPath,
            outboxReader: HotPath(client: reader),
            postgres: postgresConfiguration,
            configuration: configuration,
            logger: logger
        )
        let running = Task { try await worker.run() }
        do {
            let result = try await body()
            running.cancel()
            _ = await running.result
            await reader.close()
            return result
        } catch {
            running.cancel()
            _ = await running.result
            await reader.close()
            throw error
        }
    }

    /// Locks a table, and returns when it is. Once somebody waits for a lock, the body runs, and the table is let go.
    /// - Parameters:
    ///   - mode: as in `LOCK TABLE`.
    ///   - what: what is waited for, for a message.
    /// - Returns: whether the table was locked until the body had ended.
    func locked(
        _ table: String,
        _ mode: String,
        until what: String,
        _ body: @escaping @Sendable () async throws -> Void
    ) async -> Task<Bool, any Error> {
        let locked = AsyncStream<Void>.makeStream()
        let task = Task {
            defer { locked.continuation.finish() }
            return try await postgres.whileLocked(table, mode) {
                locked.continuation.finish()
                try await TestSupport.until(what) {
                    try await postgres.withConnection { try $0.countLocks("not granted") } > 0
                }
                try await body()
            }
        }
        for await _ in locked.stream {}
        return task
    }

    func untilOpen(_ epoch: Int) async throws {
        try await until("open in epoch \(epoch)") {
            let status = try await store.status()
            return status.epoch == Epoch(epoch) && status.scriptsLoaded
        }
    }

    /// Of the Redis that clients are at; `nil`: they are at none.
    func port() async throws -> Int? {
        (try? await client.send(["CONFIG", "GET", "port"]))?.array?.last?.string.flatMap { Int($0) }
    }

    func untilOpen(_ epoch: Int, at node: RedisServer) async throws {
        var seen = "nothing"
        try await until("open in epoch \(epoch) on port \(node.port), but \(seen)") {
            let port = try await port()
            let status = try? await store.status()
            seen = "port \(port.map(String.init) ?? "none"), \(status.map { "\($0)" } ?? "no status")"
            return port == node.port && status?.epoch == Epoch(epoch) && status?.scriptsLoaded == true
        }
    }

    func untilDrained() async throws {
        try await until("drained") { try await store.status().outboxLength == 0 }
    }

    @discardableResult
    func coupon(_ id: String, price: Int = 10, total: Int = 100) async throws -> CouponID {
        let id = try #require(CouponID(id))
        // Each coupon has a code of its own.
        let digest = try #require(
            CodeDigest(bytes: Array(id.description.utf8) + Array(repeating: 0, count: 32 - id.description.utf8.count))
        )
        let coupon = Coupon(id: id, name: "test", codeDigest: digest, price: price, total: total)
        _ = try await postgres.withConnection { try $0.createCoupon(coupon, codeKey: nil, actor: "test") }
        return id
    }

    func user(_ name: String, credit: Int = 100) async throws -> UserID {
        let id = UserID(uuid: UUIDv7(milliseconds: 1))
        let new = NewUser(id: id, username: name, name: name, role: .user, passwordHash: "!", credit: credit)
        _ = try await postgres.withConnection { try $0.createUser(new, actor: "test") }
        return id
    }

    /// Loads the user, as a server does for one who is not there.
    func load(_ user: UserID) async throws {
        let shard = store.shard
        var reply = LoadUserReply.staleSnapshot
        // A snapshot that a change of an operator has overtaken is read again.
        while reply == .staleSnapshot {
            let snapshot = try #require(try await postgres.withConnection { try $0.snapshot(of: [user], shard: shard) }.first)
            reply = try await store.loadUser(snapshot)
        }
        #expect(reply != .wrongEpoch)
    }

    /// Loads the user and opens a session, as a login does.
    func login(_ user: UserID) async throws -> SessionID {
        let session = SessionID(uuid: UUIDv7(milliseconds: 1))
        try await begin(session, of: user)
        return session
    }

    func begin(_ session: SessionID, of user: UserID) async throws {
        try await load(user)
        _ = try await hotPath.sessions.create(
            NewSession(
                id: session,
                user: user,
                role: .user,
                version: 1,
                refreshDigest: String(repeating: "0", count: 64)
            ),
            SessionLimits()
        )
    }

    /// Asks again as long as nothing was decided: the same request, as a client does whose connection is reset in the middle of a failover.
    func accepted(_ user: UserID, _ session: SessionID, _ coupon: CouponID) async throws -> RedemptionID {
        let tail = UUIDv7.Tail.random()
        var reply: RedeemReply?
        try await until("an answer") {
            do { reply = try await redeem(user, session, coupon, tail: tail) } catch is RedisError {}
            return reply != nil
        }
        switch reply {
        case .accepted(let redemption), .replayed(let redemption): return redemption.id
        case let reply: throw TestFailure("\(String(describing: reply))")
        }
    }

    func redeem(_ user: UserID, _ session: SessionID, _ coupon: CouponID, tail: UUIDv7.Tail = .random()) async throws
        -> RedeemReply
    {
        let bytes = Array(coupon.description.utf8)
        let digest = try #require(CodeDigest(bytes: bytes + Array(repeating: 0, count: 32 - bytes.count)))
        return try await hotPath.redeem(
            RedeemRequest(user: user, session: session, coupon: coupon, codeDigest: digest, tail: tail)
        )
    }

    func rows() async throws -> Int {
        try await postgres.withConnection { try $0.query("select count(*) from redemptions")[0].decode(0) }
    }

    /// Two writes at once, which stand in Redis's file as one transaction.
    func writeATransaction() async throws {
        _ = try await redis.command("EVAL", "redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[1])", "1", "{s0}:test")
    }

    /// Stops Redis in order, and starts it.
    func restartRedis() async throws {
        await redis.stop()
        try await startRedis()
    }

    /// Kills Redis, and starts it on a file that ends in the middle of the last transaction.
    func startOnATornFile() async throws {
        await redis.kill()
        // Of the EXEC that is its last command.
        #expect(try await redis.truncateAppendOnlyFile(by: 3) == 3)
        try await startRedis()
    }

    private func startRedis() async throws {
        try await redis.restart()
        try await until("connected") { (try? await store.status()) != nil }
    }

    func holds() async throws {
        let report = try await Reconciler(hotPath: hotPath, postgres: postgres).run()
        #expect(report.holds, "\(report.checks.flatMap(\.examples))")
    }
}
