import Foundation
import Glibc
import Persistence
import TestSupport
import Testing

@testable import LocalStack

/// PgBouncer in front of Postgres: in session mode all works, in another mode everything says so at start.
@Suite(.serialized) struct PoolerTests {
    @Test(arguments: [("transaction", 1), ("transaction", 10), ("statement", 4)])
    func aPoolerThatSharesConnectionsIsTold(mode: String, size: Int) async throws {
        try await Product.with { product in
            try await withPooler(product, mode: mode, size: size) { url in
                let changed = product.environment.merging(["REDEEM_POSTGRES_URL": url]) { $1 }
                for command in [["serve", "--port", "0", "--ops-port", "0"], ["sync"], ["coupon", "list"], ["migrate"]] {
                    let report = await redeem(command, environment: changed)
                    #expect(report.status == 64, "\(command): \(report.output)")
                    #expect(report.output.contains("set the pooler to session mode"), "\(command): \(report.output)")
                }
            }
        }
    }

    @Test func aPoolerInSessionModeDoes() async throws {
        try await Product.with { product in
            try await withPooler(product, mode: "session", size: 40) { url in
                let pooled = ["REDEEM_POSTGRES_URL": url]
                let sync = product.start(["sync"], pooled)
                _ = try await sync.logged("the shard is open")
                let server = try await product.serve(with: pooled)
                let tokens = try await product.seed(users: 1, stock: 1)
                try await API.with(server.api) { api in
                    try await until("it is redeemed") { try await api.redeem(token: tokens[0]).status == 201 }
                }
                try await product.settled()
                #expect(await server.process.stop() == 0)
                #expect(await sync.stop() == 0)
            }
        }
    }

    /// Gives the body the URL of the product's database behind a PgBouncer of its own.
    private func withPooler(_ product: Product, mode: String, size: Int, _ body: (String) async throws -> Void) async throws {
        let direct = try #require(URLComponents(string: product.environment["REDEEM_POSTGRES_URL"] ?? ""))
        let (host, port, database) = (direct.host ?? "", direct.port ?? 5432, String(direct.path.dropFirst()))
        let pooled = try LoopbackPort.free()
        let file = "\(product.folder)/pgbouncer-\(pooled).ini"
        try """
        [databases]
        * = host=\(host) port=\(port) dbname=\(database) user=\(direct.user ?? "") password=\(direct.password ?? "")
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(pooled)
        unix_socket_dir =
        auth_type = any
        pool_mode = \(mode)
        default_pool_size = \(size)
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let program =
            FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "/usr/bin/pgbouncer"
        let pooler = try await PrivateProgram.start(
            "pgbouncer",
            command: [program] + (geteuid() == 0 ? ["-u", "nobody"] : []) + [file],
            environment: [:],
            in: "\(product.folder)/pgbouncer-\(pooled)",
            readyMarker: "process up",
            logger: testLogger()
        )
        try await stopping({ await pooler.stop() }) { try await body("postgres://anybody@127.0.0.1:\(pooled)/\(database)") }
    }
}
