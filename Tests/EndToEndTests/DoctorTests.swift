import Foundation
import HotPath
import LocalStack
import Persistence
import PostgresClient
import TestSupport
import Testing

/// The doctor passes what a process starts with, and nothing else, with the rights of that process.
@Suite(.serialized) struct DoctorTests {
    private struct Finding: Decodable {
        let subject: String
        let good: Bool
        let seen: String
        let remedy: String
    }

    private func findings(_ environment: [String: String], for process: String) async throws -> (status: Int32, [Finding]) {
        // The log goes to the other stream, which the tests read too.
        let quiet = ["REDEEM_LOG_LEVEL": "critical"].merging(environment) { $1 }
        let report = await redeem("doctor", "--json", "--for", process, environment: quiet)
        return (report.status, try JSONDecoder().decode([Finding].self, from: Data(report.output.utf8)))
    }

    @Test func whatItFindsGoodStarts() async throws {
        var redis = RedisOptions()
        redis.isHardened = true
        // `Redis server v=7.0.15 …`, `Valkey server v=8.1.8 …`
        let program = await shell("redis-server --version || valkey-server --version")
        let words = try #require(program.firstMatch(of: /(\w+) server v=([0-9.]+)/))
        let version = "\(words.1) \(words.2)"
        try await Product.with(redis: redis) { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            for (process, environment) in [
                ("serve", product.environment(.server, .server)), ("sync", product.environment(.sync, .sync)),
                ("admin", product.environment),
            ] {
                // A worker has no key, and settings of a server are nothing to it.
                let given =
                    process == "sync"
                    ? environment.filter { !$0.key.hasSuffix("_KEY") }.merging(["REDEEM_HTTP_PORT": "x"]) { $1 } : environment
                let (status, found) = try await findings(given, for: process)
                #expect(status == 0 && found.allSatisfy(\.good), "\(process): \(found)")
                #expect(found.first?.seen == process)
                #expect(found.first { $0.subject == "Redis" }?.seen == version, "\(found)")
            }
            let human = await redeem("doctor", environment: product.environment(.server, .server))
            #expect(human.status == 0 && human.output.contains("good   process: serve"), "\(human.output)")
        }
    }

    /// Each setting that keeps a process from starting is found by the doctor, in the same words.
    @Test func whatItRefusesIsWhatTheProcessRefuses() async throws {
        try await Product.with { product in
            for (process, name, value) in [
                ("serve", "REDEEM_HTTP_PORT", "x"), ("serve", "REDEEM_SESSION_GRACE_S", "61"),
                ("serve", "REDEEM_TOKEN_ISSUER", "a b"),
                ("serve", "REDEEM_REDIS_REPLICATION_TIMEOUT_MS", "99999"), ("serve", "REDEEM_SHUTDOWN_DELAY_S", "40"),
                ("serve", "REDEEM_TOKEN_OTHER_KEYS", "short"), ("serve", "REDEEM_CODE_KEY", ""),
                ("serve", "REDEEM_HTTP_HOST", "a b"),
                ("serve", "REDEEM_DURABILITY", "forever"), ("serve", "REDEEM_POSTGRES_CONNECTIONS", "0"),
                ("serve", "REDEEM_REDIS_URL", "redis:/x"), ("serve", "REDEEM_LOG_LEVEL", "loud"),
                ("serve", "REDEEM_CODE_KEY", String(repeating: "w", count: 32)),
                ("serve", "REDEEM_TOKEN_KEY", String(repeating: "w", count: 32)),
                ("sync", "REDEEM_SYNC_OPS_PORT", "x"), ("sync", "REDEEM_SYNC_ENTRIES_PER_BATCH", "0"),
                ("sync", "REDEEM_SHUTDOWN_LIMIT_S", "0"), ("sync", "REDEEM_POSTGRES_URL", "postgres://u:p@q@h/d"),
            ] {
                let environment = product.environment.merging([name: value]) { $1 }
                let arguments = process == "serve" ? ["serve", "--ops-port", "0"] : ["sync"]
                let started = await redeem(arguments, environment: environment)
                #expect(started.status == 64, "\(name): \(started.output)")
                let (status, found) = try await findings(environment, for: process)
                #expect(status == 1)
                let wrong = found.filter { !$0.good && !$0.subject.hasPrefix("shard") }
                #expect(wrong.contains { started.output.contains($0.seen) }, "\(name): \(wrong) \(started.output)")
                #expect(wrong.allSatisfy { !$0.remedy.isEmpty }, "\(wrong)")
            }
            // Without a token key a server starts for this machine only.
            let (_, alone) = try await findings(product.environment.merging(["REDEEM_TOKEN_KEY": ""]) { $1 }, for: "serve")
            #expect(alone.first { $0.subject == "token key" }?.good == true)
            let (_, open) = try await findings(
                product.environment.merging(["REDEEM_TOKEN_KEY": "", "REDEEM_HTTP_HOST": "0.0.0.0"]) { $1 },
                for: "serve"
            )
            #expect(open.first { $0.subject == "token key" }?.good == false)
        }
    }

    @Test func remediesFitTheCause() async throws {
        try await Product.with { product in
            let postgres = try #require(URLComponents(string: product.environment["REDEEM_POSTGRES_URL"] ?? ""))
            func changed(_ change: (inout URLComponents) -> Void) -> [String: String] {
                var url = postgres
                change(&url)
                return ["REDEEM_POSTGRES_URL": url.string ?? ""]
            }
            for (process, change, words) in [
                ("serve", changed { $0.password = "wrong" }, "check user and password in REDEEM_POSTGRES_URL"),
                ("serve", changed { $0.path = "/nowhere" }, "make the database"),
                ("serve", changed { $0.port = 1 }, "check host and port in REDEEM_POSTGRES_URL"),
                ("serve", changed { $0.host = "nowhere.invalid" }, "check the host in REDEEM_POSTGRES_URL"),
                ("admin", product.environment(.server, .server), "connect as the role that ran `redeem migrate`"),
                ("sync", product.environment(.server, .server), "--print-postgres-roles"),
                (
                    "serve", ["REDEEM_REDIS_URL": "redis://:wrong@127.0.0.1:\(product.redis.port)"],
                    "user and password in REDEEM_REDIS_URL"
                ),
                ("serve", ["REDEEM_REDIS_URL": "redis://127.0.0.1:1"], "check host and port in REDEEM_REDIS_URL"),
                ("serve", ["REDEEM_REDIS_URL": "redis://nowhere.invalid"], "check the host in REDEEM_REDIS_URL"),
            ] {
                let (status, found) = try await findings(product.environment.merging(change) { $1 }, for: process)
                #expect(status == 1)
                #expect(found.contains { !$0.good && $0.remedy.contains(words) }, "\(words): \(found)")
            }
            try await run(
                "revoke select on schema_migrations from redeem_server",
                at: product.environment["REDEEM_POSTGRES_URL"] ?? ""
            )
            let (_, found) = try await findings(product.environment(.server, .server), for: "serve")
            #expect(found.first { $0.subject == "rights in Postgres" }?.seen == "lacks select on schema_migrations", "\(found)")
        }
    }
}
