import Foundation
import HotPath
import LocalStack
import NIOHTTP1
import Persistence
import RedisClient
import TestSupport
import Testing

/// A Redis whose users are made as docs/OPERATIONS.md says, and then restarted.
@Suite(.serialized) struct HardenedRedisTests {
    private static let passwords = ["ADMIN": "administrator", "SERVER": "of-servers", "SYNC": "of-workers"]

    @Test func aRestartOfARedisThatWasHardenedLosesNothing() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 3, stock: 10)
            let said = try await harden(product.redis)
            #expect(said.split(separator: "\n").allSatisfy { $0 == "OK" }, "\(said)")

            // Nothing of it is in Postgres yet.
            #expect(await sync.stop() == 0)
            let bought = try await API.with(server.api) { api in
                try await concurrently(2, Array(tokens.prefix(2))) { try await api.redeem(token: $0, key: "first") }
            }
            #expect(bought.map(\.status) == [201, 201])
            let before = try await digest(product)
            try await product.redis.restart()
            #expect(try await digest(product) == before)

            let environment = product.environment(.sync, .sync).merging(["REDEEM_REDIS_URL": url(product, .sync, "SYNC")]) { $1 }
            let after = product.start(["sync"], environment)
            #expect(try await after.logged("the shard is open").contains("epoch=1"))
            try await API.with(server.api) { api in
                for (token, first) in zip(tokens, bought) {
                    let again = try await api.redeem(token: token, key: "first")
                    #expect(again["id"] as? String == first["id"] as? String, "\(again.body)")
                }
                #expect(try await api.redeem(token: tokens[2]).status == 201)
            }
            try await product.inRedis(as: .sync) { client in
                try await until("the outbox is drained") {
                    try await HotPath(client: client).stores[0].status().outboxLength == 0
                }
            }
            let report = await redeem("reconcile", environment: environment)
            #expect(report.status == 0, "\(report.output)")
            #expect(await after.stop() == 0)
            #expect(await server.process.stop() == 0)
        }
    }

    /// Nobody comes in as `default`, and no password that is worth having can be read.
    @Test func nobodyComesInWithoutAName() async throws {
        try await Product.with { product in
            // There is no replica.
            try await product.redis.command("CONFIG", "SET", "masterauth", "")
            _ = try await harden(product.redis)
            for login in ["", "-a \(product.redis.password) --user default"] {
                let answer = await shell("redis-cli -p \(product.redis.port) --no-auth-warning \(login) DBSIZE 2>&1")
                #expect(answer.contains("NOAUTH") || answer.contains("WRONGPASS"), "\(answer)")
            }
            let doctor = await redeem(
                "doctor",
                environment: product.environment.merging(["REDEEM_REDIS_URL": url(product, .server, "SERVER")]) { $1 }
            )
            #expect(doctor.output.contains("good   durability:"), "\(doctor.output)")
            #expect(doctor.output.contains("good   passwords in Redis's configuration"), "\(doctor.output)")
        }
    }

    @Test func theDoctorSaysWhatIsNotHardened() async throws {
        try await Product.with { product in
            try await product.inRedis { admin in
                _ = try await admin.send(["ACL", "SETUSER", "admin", "on", ">administrator", "~*", "&*", "+@all"])
            }
            let environment = product.environment(.server, .server)
            let before = await redeem("doctor", environment: environment).output
            #expect(before.contains("WRONG  passwords in Redis's configuration: requirepass"), "\(before)")
            #expect(before.contains("WRONG  passwords in Redis's configuration: masterauth"), "\(before)")
            #expect(!before.contains(product.redis.password))
            _ = await shell(
                "redis-cli --no-auth-warning -u redis://admin:administrator@127.0.0.1:\(product.redis.port) ACL SETUSER default reset"
            )
            let after = await redeem("doctor", environment: environment).output
            #expect(after.contains("WRONG  durability"), "\(after)")
            #expect(after.contains("ACL SETUSER default off resetpass ~* &* +@all"), "\(after)")
        }
    }

    /// Runs the commands under *Least rights*.
    private func harden(_ redis: RedisServer) async throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/OPERATIONS.md"), encoding: .utf8)
        let block = try #require(text.components(separatedBy: "```\n").first { $0.hasPrefix("printf 'ACL SETUSER admin") })
        let values = Self.passwords.map { "\($0)_PASSWORD=\($1)" }.sorted().joined(separator: " ")
        return await shell(
            """
            set -eu; export REDISCLI_AUTH=\(redis.password) \(values)
            redeem() { '\(RedeemProcess.program)' "$@"; }
            \(block.replacing("-h redis", with: "-h 127.0.0.1 -p \(redis.port)"))
            """
        )
    }

    private func url(_ product: Product, _ user: RedisUser, _ name: String) -> String {
        "redis://\(user.rawValue):\(Self.passwords[name] ?? "")@127.0.0.1:\(product.redis.port)"
    }

    /// Of all that Redis has.
    private func digest(_ product: Product) async throws -> String {
        await shell(
            """
            for k in $(redis-cli --no-auth-warning -u redis://admin:administrator@127.0.0.1:\(product.redis.port) KEYS '*' | sort); do
              echo "$k"; redis-cli --no-auth-warning -u redis://admin:administrator@127.0.0.1:\(product.redis.port) DUMP "$k"
            done
            """
        )
    }
}
