internal import Domain
internal import HotPath
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Terminal

/// The settings and stores of a command that runs once.
struct Stores: Sendable {
    let settings: Settings
    let logger: Logger
    let postgres: PostgresClient

    /// Gives `body` a Postgres pool, and closes it afterwards.
    static func with(_ options: ConnectionOptions, flags: [String: String?] = [:], _ body: (Stores) async throws -> Void)
        async throws
    {
        try await withExitCodes {
            let settings = try await options.settings(flags)
            let logger = try settings.logger("redeem")
            let postgres = PostgresClient(configuration: try PostgresConfiguration(settings.reader), logger: logger)
            let stores = Stores(settings: settings, logger: logger, postgres: postgres)
            do {
                try await body(stores)
            } catch {
                await postgres.close()
                throw error
            }
            await postgres.close()
        }
    }

    func user(_ username: String) async throws -> User {
        guard let user = try await postgres.withConnection({ try $0.user(username: username) }) else {
            throw Refusal("there is no user \(ArgumentSecrets.ofThisProcess.quoted(username))")
        }
        return user
    }

    /// Gives `body` a connected Redis too.
    func withHotPath<Result>(_ body: (HotPath) async throws -> Result) async throws -> Result {
        let client = RedisClient(
            configuration: try RedisConfiguration(settings.reader),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        do {
            try await client.connect()
            let result = try await body(HotPath(client: client))
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}

/// The makers of changes; the control log has these names.
enum Actor {
    static let commandLine = "cli"
    static let flask = "import flask"
}
