import Foundation
import LocalStack
import Logging
import NIOHTTP1
import Testing
import TestSupport

/// Nothing can be written any more, and then it can again. What was acknowledged is there, what was refused is not, and nothing is
/// half done.
@Suite(.serialized) struct FullDiskTests {
    /// What a user was told.
    private struct Outcome: Sendable {
        var isAcknowledged = false
    }

    /// With `appendfsync always` a Redis that cannot write its file ends, before it has answered: it is started again when there is
    /// room.
    @Test func redisThatMustWriteFirst() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 400, stock: 400)
            try await API.with(server.api, connections: 16) { api in
                #expect(try await api.redeem(token: tokens[0], key: "0").status == 201)
                // Room for some dozens of redemptions.
                try await product.redis.limitFiles(toBytes: product.redis.growingAppendOnlyFileBytes + 20_000)
                let outcomes = try await self.outcomes(api, tokens)
                #expect(outcomes.contains { $0.isAcknowledged })
                #expect(outcomes.contains { !$0.isAcknowledged })
                let end = await product.redis.waitUntilExit()
                #expect(end.output.joined().contains("AOF write error"), "\(end)")

                try await product.redis.restart()
                try await until("open again") { try await api.redeem(token: tokens[1], key: "1").status == 201 }
                try await check(product, api, tokens, outcomes)
            }
        }
    }

    /// With `appendfsync everysec` Redis refuses to write until there is room: each script before its first command.
    @Test func redisThatMayWriteLater() async throws {
        var options = RedisOptions()
        options.appendFsync = .everysec
        try await Product.with(redis: options) { product in
            let sync = product.start("sync")
            let server = try await product.serve(with: ["REDEEM_DURABILITY": "relaxed"])
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 400, stock: 400)
            try await API.with(server.api, connections: 16) { api in
                #expect(try await api.redeem(token: tokens[0], key: "0").status == 201)
                try await product.redis.limitFiles(toBytes: product.redis.growingAppendOnlyFileBytes + 20_000)
                var outcomes = try await self.outcomes(api, tokens)
                try await until("full") { try await api.redeem(token: tokens[399], key: "399").status == 503 }
                try await until("Redis says so") {
                    let log = try String(contentsOfFile: "\(product.redis.directory)/log", encoding: .utf8)
                    return log.contains("writing to the AOF file")
                }
                let pid = product.redis.pid
                for (index, more) in try await self.outcomes(api, tokens).enumerated() {
                    outcomes[index].isAcknowledged = outcomes[index].isAcknowledged || more.isAcknowledged
                }
                #expect(outcomes.contains { $0.isAcknowledged })

                try await product.redis.limitFiles(toBytes: nil)
                try await until("room again") { try await api.redeem(token: tokens[1], key: "1").status == 201 }
                #expect(product.redis.pid == pid)
                try await check(product, api, tokens, outcomes)
            }
        }
    }

    /// Rows and their log have no room: the sale goes on, the outbox keeps what was decided, and all of it lands afterwards.
    @Test(.enabled(if: geteuid() == 0, "a small file system is mounted by root only")) func postgres() async throws {
        try await withTemporaryFolder { folder in
            let disk = "\(folder)/disk"
            let mounted = await shell("mkdir -m 755 \(disk) && mount -t tmpfs -o size=160m tmpfs \(disk) && echo mounted")
            try #require(mounted == "mounted\n", "\(mounted)")
            do {
                try await landsWhenThereIsRoom(disk)
            } catch {
                _ = await shell("umount -l \(disk)")
                throw error
            }
            _ = await shell("umount -l \(disk)")
        }
    }

    private func landsWhenThereIsRoom(_ disk: String) async throws {
        let logger = testLogger(level: .critical)
        let postgres = try await PostgresServer.start(in: "\(disk)/postgres", options: .forTests, logger: logger)
        do {
            try await Product.with(postgres: postgres.url) { product in
                let sync = product.start("sync")
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                let tokens = try await product.seed(users: 2_000, stock: 2_000)
                try await API.with(server.api, connections: 16) { api in
                    #expect(try await api.redeem(token: tokens[0], key: "0").status == 201)
                    try await product.settled()
                    // All of the disk but what Postgres has already; what it needs further it does not get.
                    _ = await shell("head -c 1G /dev/zero >\(disk)/ballast")
                    let outcomes = try await self.outcomes(api, tokens)
                    #expect(outcomes.count { $0.isAcknowledged } > 1_000)
                    _ = try await sync.logged("No space left on device")

                    _ = await shell("rm \(disk)/ballast")
                    // Where its log had no room Postgres has ended, or is about to.
                    func isGone() -> Bool { postgres.pid.map { kill($0, 0) != 0 } ?? true }
                    try await until("Postgres answers or is gone") {
                        if isGone() { return true }
                        return (try? await texts("select '1'", at: postgres.url)) == ["1"]
                    }
                    if isGone() { try await postgres.restart() }
                    try await check(product, api, tokens, outcomes)
                }
            }
        } catch {
            await postgres.stop()
            throw error
        }
        await postgres.stop()
    }

    private func outcomes(_ api: API, _ tokens: [String]) async throws -> [Outcome] {
        try await concurrently(16, Array(tokens.enumerated())) { index, token in
            let answer = try await api.redeem(token: token, key: "\(index)")
            if answer.status == 201 { return Outcome(isAcknowledged: true) }
            #expect(answer.status == 503, "\(answer.status) \(answer.body)")
            return Outcome()
        }
    }

    /// Everybody asks again with the same key and gets it, those who had it the same one; and all invariants hold.
    private func check(_ product: Product, _ api: API, _ tokens: [String], _ outcomes: [Outcome]) async throws {
        let again = try await concurrently(16, Array(tokens.enumerated())) { index, token in
            try await api.redeem(token: token, key: "\(index)")
        }
        #expect(again.allSatisfy { $0.status == 201 })
        for (outcome, answer) in zip(outcomes, again) where outcome.isAcknowledged {
            #expect(answer.headers["Idempotent-Replayed"] == ["true"], "what was acknowledged was not there any more")
        }
        try await product.settled()
        let coupon = try await product.run("coupon", "show", "sale", "--json")
        #expect(coupon.contains("\"redeemed\" : \(tokens.count)"), "\(coupon)")
    }
}
