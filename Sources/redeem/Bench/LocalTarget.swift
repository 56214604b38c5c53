internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import LocalStack
internal import Logging
internal import NIOCore
internal import PostgresClient
internal import RedisClient
internal import Terminal

/// A whole Redeem for one run: Redis and Postgres, `redeem sync` and `redeem serve` in processes of their own, users with
/// sessions, a coupon. It is removed when the run ends, however it ends.
struct LocalTarget: Sendable {
    private static let coupon = "bench"
    private static let code = "BENCH-CODE"
    private static let price = 1
    private static let sessionLifetime: Duration = .seconds(24 * 3600)

    let settings: BenchSettings
    let logger: Logger

    /// Gives `body` the target when it is ready.
    func with(_ body: (BenchTarget) async throws -> Void) async throws {
        let folder = try await TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        Output.note("starting Redis and Postgres in \(folder) …")
        let configuration = LocalStackConfiguration(directory: "\(folder)/stack", for: settings.durability)
        try await LocalStack.withStack(configuration, logger: logger) { stack in
            let values = [
                "redis.url": stack.redis.url, "postgres.url": stack.postgres.url, "token.key": ServiceKey.random().secretText,
                "code.key": ServiceKey.random().secretText, "durability": settings.durability.rawValue,
                // All logins of the load come from one address, and would be held back.
                "login.address_burst": "1000000", "login.username_burst": "1000000",
            ]
            let redeem = WholeRedeem(
                program: try PrivateProgram.ownPath(),
                folder: folder,
                settings: Dictionary(uniqueKeysWithValues: values.map { (SettingNames.variable($0), $1) }),
                logger: logger
            )
            do {
                try await prepare(values, stack, redeem, folder, body)
            } catch {
                await redeem.stop()
                throw error
            }
            await redeem.stop()
        }
    }

    private func prepare(
        _ values: [String: String],
        _ stack: LocalStack,
        _ redeem: WholeRedeem,
        _ folder: String,
        _ body: (BenchTarget) async throws -> Void
    ) async throws {
        let app = try App(settings: try await Settings(flags: values, file: nil), logger: logger)
        let postgres = PostgresClient(configuration: app.postgres, logger: logger)
        let client = RedisClient(configuration: app.redis, eventLoopGroup: app.eventLoopGroup.next(), logger: logger)
        let stores = BenchStores(hotPath: HotPath(client: client), postgres: postgres)
        do {
            try await redeem.migrate()
            let worker = redeem.worker()
            try await worker.start()
            try await app.waitUntilOpen()
            try await client.connect()
            let files = SeedFiles(
                tokens: "\(folder)/tokens",
                refreshTokens: "\(folder)/refresh-tokens",
                logins: "\(folder)/logins"
            )
            let coupon = try await seed(app, stores, files)
            let server = redeem.server()
            let addresses = try await server.serve()
            var target = try BenchTarget(
                api: try HTTPAddress(addresses.api, of: "the server's address"),
                operations: try HTTPAddress(addresses.operations, of: "the server's address"),
                coupon: coupon,
                code: LocalTarget.code
            )
            target.tokens = try TokenLines(file: files.tokens, flag: "--tokens", of: "access tokens")
            target.refreshTokens = try TokenLines(
                file: "\(folder)/refresh-tokens",
                flag: "--refresh-tokens",
                of: "refresh tokens"
            )
            target.logins = try TokenLines(file: "\(folder)/logins", flag: "--logins", of: "logins")
            target.stores = stores
            target.processes = [
                ("serve", server.pid), ("sync", worker.pid), ("Redis", stack.redis.pid), ("Postgres", stack.postgres.pid),
            ].compactMap { name, pid in pid.map { (name, $0) } }
            try await body(target)
        } catch {
            await client.close()
            await postgres.close()
            throw error
        }
        await client.close()
        await postgres.close()
    }

    private func seed(_ app: App, _ stores: BenchStores, _ files: SeedFiles) async throws -> CouponID {
        guard let id = CouponID(LocalTarget.coupon) else { preconditionFailure("'\(LocalTarget.coupon)' is not a coupon id") }
        let reader = app.settings.reader
        let digester = CodeDigester(key: try ServiceKey.code(reader))
        var seeder = BulkSeeder(
            postgres: stores.postgres,
            codeKey: digester.keyID,
            signer: AccessTokenSigner(
                keys: TokenKeys(signing: try ServiceKey.token(reader)),
                parties: try TokenParties(reader),
                lifetimeSeconds: Int(LocalTarget.sessionLifetime.components.seconds)
            ),
            refreshTokens: RefreshTokens(key: try ServiceKey.code(reader)),
            credit: LocalTarget.price,
            sessionLifetime: LocalTarget.sessionLifetime
        )
        if settings.mix.contains(.login) {
            try await seeder.givePassword(hashedBy: PasswordHasher(configuration: try .init(reader)))
        }
        let coupon = Coupon(
            id: id,
            name: "Bench",
            codeDigest: digester.digest(of: LocalTarget.code),
            price: LocalTarget.price,
            total: settings.stock
        )
        Output.note("making \(settings.users) users with sessions …")
        try await seeder.run(users: settings.users, coupon: coupon, hotPath: stores.hotPath, files: files)
        return id
    }
}
