internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import LocalStack
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RedisClient
internal import Terminal

/// A whole Redeem in processes of its own: Redis with a replica and a Sentinel, Postgres, two servers, two sync workers, and a
/// proxy on each link between them. It is removed when the run ends, however it ends.
struct TortureStack: Sendable {
    let redis: TortureRedis
    let postgres: PostgresServer
    let links: TortureLinks
    let servers: [ServiceProcess]
    let workers: [ServiceProcess]
    /// Connections past the proxies, for those who only look and for faults by command.
    let direct: TortureStores
    let codeKey: ServiceKey

    /// The password of servers and workers in Redis, which listens on loopback only.
    static let password = ServiceKey.random().secretText

    /// Gives `body` the stack when it is open and ready.
    static func with<Result: Sendable>(
        _ settings: TortureSettings,
        program: String,
        logger: Logger,
        _ body: (TortureStack) async throws -> Result
    ) async throws -> Result {
        let logs = try settings.logs.map(logsFolder)
        let folder = try await TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        Output.note("starting Redis with a replica and a Sentinel, Postgres, two servers and two workers in \(folder) …")
        var configuration = LocalStackConfiguration(directory: "\(folder)/stack", for: settings.mode)
        // The users are those that docs/OPERATIONS.md asks for: every process has its least rights, and Redis reads its file as a
        // user that is off.
        configuration.redis.isHardened = true
        configuration.redis.extra += RedisUser.allCases.map { user in
            (["user", user.rawValue, ">\(TortureStack.password)"] + user.command().dropFirst(3)).joined(separator: " ")
        }
        // With this size the file is rewritten now and then during a run.
        configuration.redis.extra.append("auto-aof-rewrite-min-size 4mb")
        configuration.sentinels = 1
        configuration.sentinel.downAfter = TortureRedis.patience
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let result = try await LocalStack.withStack(configuration, logger: logger) { stack in
                guard let redis = stack.group else { preconditionFailure("a stack with a Sentinel has a group") }
                let links = try await TortureLinks.start(redis: redis, postgres: stack.postgres.port, on: group)
                let result = try await Builder(
                    settings: settings,
                    stack: stack,
                    redis: redis,
                    links: links,
                    program: program,
                    folder: folder,
                    logs: logs,
                    logger: logger
                ).with(body)
                await links.stop()
                return result
            }
            try await group.shutdownGracefully()
            return result
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }
}

extension TortureStack {
    /// Opens the folder for logs before anything starts. The caller does not choose the names of the files, so nobody else may
    /// own the folder.
    private static func logsFolder(_ path: String) throws -> TrustedFolder {
        do {
            return try TrustedFolder(making: URL(fileURLWithPath: path).standardizedFileURL.path)
        } catch {
            throw UsageError("\(error)", remedy: "give --logs a folder that can be written, and that is yours")
        }
    }
}

/// Starts the processes above the stores.
private struct Builder {
    let settings: TortureSettings
    let stack: LocalStack
    let redis: RedisGroup
    let links: TortureLinks
    let program: String
    let folder: String
    let logs: TrustedFolder?
    let logger: Logger
    let codeKey = TortureKey()
    let tokenKey = TortureKey()

    func with<Result: Sendable>(_ body: (TortureStack) async throws -> Result) async throws -> Result {
        let direct = try TortureStores(redis: redis.url, postgres: stack.postgres.url, logger: logger)
        let watched = try TortureRedis(redis, direct, logger: logger)
        let redeem = WholeRedeem(program: program, folder: folder, settings: common, logger: logger)
        let workers = (0..<2).map { redeem.worker("sync-\($0)", settings: stores("sync-\($0)", .sync, $0)) }
        let servers = (0..<2).map { redeem.server("serve-\($0)", settings: stores("serve-\($0)", .server, $0)) }
        do {
            try await redeem.migrate()
            try await direct.client.connect()
            try await watched.hurry()
            for worker in workers { try await worker.start() }
            for (server, proxy) in zip(servers, links.clients) { try await server.listen(behind: proxy) }
            let built = TortureStack(
                redis: watched,
                postgres: stack.postgres,
                links: links,
                servers: servers,
                workers: workers,
                direct: direct,
                codeKey: codeKey.key
            )
            let result = try await body(built)
            await stop(redeem, servers + workers, direct, watched)
            return result
        } catch {
            await stop(redeem, servers + workers, direct, watched)
            throw error
        }
    }

    private func stop(
        _ redeem: WholeRedeem,
        _ processes: [ServiceProcess],
        _ direct: TortureStores,
        _ redis: TortureRedis
    ) async {
        await redeem.stop()
        await direct.close()
        await redis.close()
        guard let logs else { return }
        do {
            for process in processes { try process.copyLogs(to: logs) }
        } catch {
            Output.note("cannot keep the logs in \(logs.path): \(error)")
        }
    }

    /// Settings of all processes. Those that run find the stores elsewhere (`stores`), and the schema is brought up past the
    /// proxies.
    private var common: [String: String] {
        [
            "REDEEM_REDIS_URL": redis.url, "REDEEM_POSTGRES_URL": stack.postgres.url,
            "REDEEM_TOKEN_KEY": tokenKey.text, "REDEEM_CODE_KEY": codeKey.text, "REDEEM_DURABILITY": settings.mode.rawValue,
            // Each client has an address of its own, as behind a proxy, and a password takes next to no time to check.
            "REDEEM_HTTP_TRUSTED_PROXIES": "127.0.0.1", "REDEEM_LOGIN_USERNAME_BURST": "1000000",
            "REDEEM_LOGIN_ADDRESS_BURST": "1000000",
            "REDEEM_SCRYPT_LOG_N": "4", "REDEEM_TOKEN_LIFETIME_S": "60", "REDEEM_SYNC_OWNER_SILENCE_MS": "2000",
        ]
    }

    /// The addresses of the stores for one process: behind its proxies, with its least rights.
    private func stores(_ name: String, _ user: RedisUser, _ number: Int) -> [String: String] {
        let (sentinels, postgres) =
            switch user {
            case .server: (links.serverRedis, links.serverPostgres)
            case .sync: (links.syncRedis, links.syncPostgres)
            }
        return [
            "REDEEM_REDIS_URL": redis.url(
                throughPorts: [sentinels[number].sentinel.port],
                as: "\(user.rawValue):\(TortureStack.password)"
            ),
            "REDEEM_POSTGRES_URL": stack.postgres.url(through: postgres[number].port, as: name),
            // A statement that is lost on the way must not hold a connection for the usual half minute.
            "REDEEM_POSTGRES_STATEMENT_TIMEOUT_MS": "3000",
        ]
    }
}

extension ServiceProcess {
    /// Starts a server on a free port, and lets the clients' proxy lead there.
    func listen(behind proxy: FaultProxy) async throws {
        proxy.retarget(to: try await serve().apiPort)
    }
}

extension PostgresServer {
    /// The URL of the database `redeem` through a proxy. Postgres shows the name beside each connection.
    func url(through port: Int, as name: String) -> String {
        "postgresql://\(PostgresServer.name):\(password)@127.0.0.1:\(port)/\(PostgresServer.name)?application_name=\(name)"
    }
}
