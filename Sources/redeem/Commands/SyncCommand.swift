internal import ArgumentParser
internal import Glibc
internal import Logging

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Carry decisions from Redis to Postgres, and operators' changes from Postgres to Redis.",
        discussion: """
            Run two or more: one of them owns a shard, the others wait to take over. The owner opens the shard, and rebuilds it
            from Postgres where Redis has lost something. SIGTERM stops it after the batch at hand, a second one at
            once.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await report {
            // Servers read keys again at this signal; one that goes to all processes must not end the workers.
            signal(SIGHUP, SIG_IGN)
            let settings = try await connection.settings()
            let app = try App(settings: settings, logger: try settings.logger("redeem.sync", default: .info))
            try await app.run(try app.sync() + [app.running("owns its shards, or waits to")])
        }
    }
}
