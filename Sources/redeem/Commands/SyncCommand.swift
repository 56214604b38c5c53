internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Server

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Carry decisions from Redis to Postgres, and operators' changes from Postgres to Redis.",
        discussion: """
            Run two or more: one of them owns a shard, the others wait to take over. The owner opens the shard, and rebuilds it \
            from Postgres if Redis has lost something. It also compares the two again and again (see `redeem reconcile`). \
            SIGTERM stops it after the batch at hand, and a second SIGTERM stops it at once.
            """
    )

    @Option(help: "The address of the operations port. [REDEEM_OPS_HOST, default \(ServerConfiguration.defaultOpsHost)]")
    var opsHost: String?

    @Option(help: "The port of /livez and /metrics; 0: any. Without it there is none. [REDEEM_SYNC_OPS_PORT]")
    var opsPort: Int?

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await withExitCodes {
            // SIGHUP tells servers to read keys again. Where it is sent to all processes it must not end the workers.
            signal(SIGHUP, SIG_IGN)
            let settings = try await connection.settings(["ops.host": opsHost, "sync.ops_port": opsPort.map(String.init)])
            let app = try App(settings: settings, logger: try settings.logger("redeem.sync", default: .ofServices))
            try await app.checkPostgres()
            // This comes first, so that the worker's metrics are counted from the beginning.
            let operations = try app.workerOperations()
            try await app.run(try operations + app.sync() + [app.running("owns its shards, or waits to")])
        }
    }
}
