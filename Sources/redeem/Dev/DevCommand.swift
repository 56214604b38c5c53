internal import ArgumentParser
internal import Credentials
internal import Foundation
internal import LocalStack
internal import Logging
internal import PostgresClient
internal import Server
internal import Terminal
internal import UnixSignals

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run all of Redeem on this machine, with demo data, a Redis and a Postgres of its own.",
        discussion: """
            State is kept in --dir and survives a restart. <dir>/env holds the addresses and keys, for --config of the other \
            commands, `source`, `redis-cli -u` and `psql`. Ctrl-C stops everything.

            With --stores-only it starts Redis and Postgres with the schema, and nothing else, so that a `redeem serve` and a \
            `redeem sync` can be started, stopped and measured separately.
            """
    )

    private static let clusterLimit = 10

    @Option(help: "The API's port; 0: any.")
    var port = ServerConfiguration.defaultPort

    @Option(help: "The port of /livez, /readyz and /metrics; 0: any.")
    var opsPort = 0

    @Option(help: "The folder that keeps the state.", completion: .directory)
    var dir = ".redeem"

    @Option(help: "Run Redis as a cluster of so many primaries, 3 or more, each with a replica; 0: one Redis.")
    var cluster = 0

    @Flag(help: "Forget all state first.")
    var reset = false

    @Flag(help: "Run no server, no sync worker, and make no demo data.")
    var storesOnly = false

    @Option(help: "trace, debug, info, notice, warning, error or critical; logs go to stderr.", completion: .logLevels)
    var logLevel = Logger.Level.ofCommands.rawValue

    func run() async throws {
        try await withExitCodes {
            let folder = try DevFolder(dir)
            guard let level = Logger.Level(rawValue: logLevel.lowercased()) else {
                throw UsageError(
                    "--log-level '\(logLevel)' is not a level",
                    remedy: "use one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            let logger = Logger.toStandardError("redeem.dev", level: level)
            guard (0...65_535).contains(port), (0...65_535).contains(opsPort) else {
                throw UsageError("port \(port) or \(opsPort) is out of range", remedy: "use 0 to 65535")
            }
            guard !storesOnly || (port == ServerConfiguration.defaultPort && opsPort == 0) else {
                throw UsageError("--stores-only has no server to give a port", remedy: "leave --port and --ops-port away")
            }
            guard cluster == 0 || (3...DevCommand.clusterLimit).contains(cluster) else {
                throw UsageError(
                    "--cluster \(cluster) is out of range",
                    remedy: "use 3 to \(DevCommand.clusterLimit), or 0 for one Redis"
                )
            }
            try folder.create()
            if reset { try await LocalStack.erase(folder.stack) }
            Output.note("starting Redis and Postgres in \(folder.path) …")
            var stack = LocalStackConfiguration(directory: folder.stack)
            stack.clusterPrimaries = cluster
            try await LocalStack.withStack(stack, logger: logger) { try await serve(folder, $0, logger) }
        }
    }

    private func serve(_ folder: DevFolder, _ stack: LocalStack, _ logger: Logger) async throws {
        let keys = (token: try folder.key("REDEEM_TOKEN_KEY"), code: try folder.key("REDEEM_CODE_KEY"))
        let settings = try await Settings(
            flags: [
                "redis.url": stack.redisURL, "postgres.url": stack.postgres.url, "token.key": keys.token, "code.key": keys.code,
                "http.port": "\(port)", "ops.port": "\(opsPort)",
            ],
            file: nil
        )
        let stores = [
            ("REDEEM_REDIS_URL", stack.redisURL), ("REDEEM_POSTGRES_URL", stack.postgres.url),
            ("REDEEM_TOKEN_KEY", keys.token), ("REDEEM_CODE_KEY", keys.code),
        ]
        // The keys are kept before anything is digested with them. Otherwise a start that is cut off could leave coupons whose
        // key is lost.
        try folder.write(stores)
        try await prepare(settings, logger)
        guard !storesOnly else { return try await keep(stack, folder, settings, logger) }
        let app = try App(settings: settings, logger: logger)
        let server = try await app.server { _, ports in
            let url = "http://127.0.0.1:\(ports.api)"
            try folder.write(stores + [("REDEEM_HTTP_URL", url)])
            try await app.waitUntilOpen()
            print(Banner.text(url: url, envFile: folder.envFile))
            fflush(nil)
        }
        // SIGHUP comes when the terminal is closed. Redis and Postgres must not stay behind.
        try await app.run([LocalStackService(stack)] + app.sync() + server, until: [.sigterm, .sigint, .sighup])
    }

    /// Keeps the stores alone running, until a signal.
    private func keep(_ stack: LocalStack, _ folder: DevFolder, _ settings: Settings, _ logger: Logger) async throws {
        let ready = Announcement { Output.note("ready stores \(folder.envFile)") }
        try await App(settings: settings, logger: logger)
            .run([LocalStackService(stack), ready], until: [.sigterm, .sigint, .sighup])
    }

    /// Makes the schema and the demo data.
    private func prepare(_ settings: Settings, _ logger: Logger) async throws {
        let postgres = PostgresClient(configuration: try PostgresConfiguration(settings.reader), logger: logger)
        do {
            let keys = try GivenKeys(settings)
            try await postgres.withConnection { _ = try keys.migrate(on: $0) }
            if !storesOnly {
                try await DemoData.seed(
                    postgres,
                    digester: CodeDigester(key: try ServiceKey.code(settings.reader)),
                    hasher: PasswordHasher(configuration: try PasswordHasher.Configuration(settings.reader))
                )
            }
        } catch {
            await postgres.close()
            throw error
        }
        await postgres.close()
    }
}
