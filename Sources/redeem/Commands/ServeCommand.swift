internal import ArgumentParser
internal import Domain
internal import Glibc
internal import Logging
internal import Server
internal import Terminal

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the API. Any number of these may run beside each other.",
        discussion: """
            Needs Redis, Postgres and the two keys: REDEEM_TOKEN_KEY signs access tokens, REDEEM_CODE_KEY digests hidden codes; \
            make each with `openssl rand -hex 32`, and give every process the same. Without a token key it listens on loopback \
            only. SIGHUP reads the token keys again from the settings file. Redemptions are refused (503 shard_closed) \
            until a `redeem sync` has opened the shard. SIGTERM stops it once the requests at hand are answered, and a second \
            SIGTERM stops it at once.
            """
    )

    @Option(help: "The address to listen on. [REDEEM_HTTP_HOST, default \(ServerConfiguration.defaultHost)]")
    var host: String?

    @Option(help: "The API's port; 0: any. [REDEEM_HTTP_PORT, default \(ServerConfiguration.defaultPort)]")
    var port: Int?

    @Option(help: "The address of the operations port. [REDEEM_OPS_HOST, default \(ServerConfiguration.defaultOpsHost)]")
    var opsHost: String?

    @Option(
        help: "The port of /livez, /readyz and /metrics; 0: any. [REDEEM_OPS_PORT, default \(ServerConfiguration.defaultOpsPort)]"
    )
    var opsPort: Int?

    @Option(
        help:
            "The least that an answer promises: \(Durability.list). [REDEEM_DURABILITY, default \(ServerConfiguration.defaultDurability)]",
        completion: .durabilities
    )
    var durability: String?

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await withExitCodes {
            // Until `KeyReload` listens, a SIGHUP must not end the server.
            signal(SIGHUP, SIG_IGN)
            let settings = try await settings()
            let logger = try settings.logger("redeem.serve", default: .ofServices)
            let app = try App(settings: settings, logger: logger)
            try await app.run(
                try await app.server(reread: { [self] in try await self.settings() }) { hosts, ports in
                    let (api, operations) = (url(hosts.host, ports.api), url(hosts.opsHost, ports.ops))
                    Output.note("ready \(api) operations \(operations)")
                }
            )
        }
    }

    private func url(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    }

    private func settings() async throws -> Settings {
        try await connection.settings([
            "http.host": host, "http.port": port.map(String.init), "ops.host": opsHost, "ops.port": opsPort.map(String.init),
            "durability": durability,
        ])
    }
}
