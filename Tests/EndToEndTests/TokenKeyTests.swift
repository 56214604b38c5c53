import Foundation
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

/// The keys for access tokens, as operators give and replace them.
@Suite(.serialized) struct TokenKeyTests {
    private static let (old, new) = (String(repeating: "o", count: 40), String(repeating: "n", count: 40))

    /// The runbook of OPERATIONS.md on a server under load: no request is refused, and in the end the old key is worth nothing.
    @Test func keysAreReplacedUnderLoad() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            try await product.run("user", "create", "ann", "--password-stdin", input: "correct horse\n")
            let file = "\(product.folder)/env"
            try write(file, Self.old, "")
            let record = ["key", "set-token", "--config", file]
            let others = product.environment.filter { $0.key != "REDEEM_TOKEN_KEY" }
            #expect(await redeem(record + ["--leaked", "--yes"], environment: others).status == 0)
            let server = try await product.serve("--config", file, without: ["REDEEM_TOKEN_KEY"])
            try await API.with(server.api) { api in
                let first = try await api.login("ann", "correct horse")
                let load = Load(token: first)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { try await load.run(api) } }
                    group.addTask { try await load.logIn(api) }
                    group.addTask {
                        for (signing, others) in [(Self.old, " \(Self.new) "), (Self.new, "\(Self.new), \(Self.old)")] {
                            let seen = load.requests
                            try write(file, signing, others)
                            server.process.signal(SIGHUP)
                            try await until("200 more are answered") { load.requests >= seen + 200 }
                        }
                        load.end()
                    }
                    try await group.waitForAll()
                }
                #expect(load.requests >= 400)
                let last = try await api.login("ann", "correct horse")
                // Taken away before the new one is recorded, the old key stays.
                try write(file, Self.new, "")
                server.process.signal(SIGHUP)
                #expect(try await server.process.logged("stay as they are").contains("has the key that the servers share"))
                #expect(try await api.send(.GET, "/v1/me", token: first).status == 200)
                try write(file, Self.new, Self.old)
                #expect(await redeem(record, environment: others).status == 0)
                try write(file, Self.new, "")
                server.process.signal(SIGHUP)
                try await until("the old key is gone") { try await api.send(.GET, "/v1/me", token: first).status != 200 }
                #expect(try await api.send(.GET, "/v1/me", token: first).code == "token_invalid")
                #expect(try await api.send(.GET, "/v1/me", token: last).status == 200)

                // A mistake in the file changes nothing, and is told.
                try write(file, "short", "")
                server.process.signal(SIGHUP)
                _ = try await server.process.line { $0.contains("stay as they are") && $0.contains("5 bytes") }
                #expect(try await api.send(.GET, "/v1/me", token: last).status == 200)
            }
            #expect(await server.process.stop() == 0)
        }
    }

    /// Requests one after the other, with the newest token, until told to end. None may be refused.
    private final class Load: Sendable {
        private struct State {
            var token: String
            var requests = 0
            var isOver = false
        }

        private let state: Mutex<State>

        init(token: String) { state = Mutex(State(token: token)) }

        var requests: Int { state.withLock { $0.requests } }

        func end() { state.withLock { $0.isOver = true } }

        func run(_ api: API) async throws {
            while let token = state.withLock({ $0.isOver ? nil : $0.token }) {
                let answer = try await api.send(.GET, "/v1/me", token: token)
                #expect(answer.status == 200, "\(answer.body)")
                // The hot route verifies by itself.
                let hot = try await api.redeem("none", token: token)
                #expect(hot.code == "coupon_not_found", "\(hot.body)")
                state.withLock { $0.requests += 2 }
            }
        }

        /// So that there are tokens of the key that signs now.
        func logIn(_ api: API) async throws {
            while !state.withLock({ $0.isOver }) {
                let token = try await api.login("ann", "correct horse")
                state.withLock { $0.token = token }
            }
        }
    }

    private func write(_ file: String, _ signing: String, _ others: String) throws {
        let lines = "REDEEM_TOKEN_KEY=\(signing)\nREDEEM_TOKEN_OTHER_KEYS=\(others)\n"
        try lines.write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test func withoutAKeyOnlyThisMachineIsServed() async throws {
        try await Product.with { product in
            for (key, words) in [(nil, "REDEEM_TOKEN_KEY is not set"), ("short", "REDEEM_TOKEN_KEY: a key has 5 bytes")] {
                var environment = product.environment
                environment["REDEEM_TOKEN_KEY"] = key
                for host in ["0.0.0.0", "::", "192.0.2.1", "example.com"] {
                    let report = await redeem(["serve", "--host", host, "--port", "0"], environment: environment)
                    #expect(report.status == 64, "\(report.output)")
                    for word in [words, host, "openssl rand -hex 32"] {
                        #expect(report.output.contains(word), "\(report.output)")
                    }
                }
                for host in ["127.0.0.1", "localhost"] {
                    let server = RedeemProcess(
                        ["serve", "--host", host, "--port", "0", "--ops-port", "0"],
                        environment: environment
                    )
                    _ = try await server.line(startingWith: "ready ")
                    for word in ["warning: \(words)", "openssl rand -hex 32", host] { #expect(server.output.contains(word)) }
                    #expect(server.output.components(separatedBy: "warning:").count == 2, "said once")
                    #expect(await server.stop() == 0)
                }
            }
        }
    }

    @Test func badKeysAndPartiesAreNamed() async throws {
        try await Product.with { product in
            for (name, value, words) in [
                ("REDEEM_TOKEN_OTHER_KEYS", "short", "REDEEM_TOKEN_OTHER_KEYS: a key has 5 bytes"),
                (
                    "REDEEM_TOKEN_OTHER_KEYS", Array(repeating: Self.old, count: 4).joined(separator: ","),
                    "REDEEM_TOKEN_OTHER_KEYS has 4 keys"
                ),
                (
                    "REDEEM_TOKEN_OTHER_KEYS", "\"\(Self.old)\"",
                    "REDEEM_TOKEN_OTHER_KEYS: a key contains a comma, a space or a quote"
                ),
                (
                    "REDEEM_TOKEN_OTHER_KEYS", "\(Self.old) \(Self.new)",
                    "REDEEM_TOKEN_OTHER_KEYS: a key contains a comma, a space or a quote"
                ),
                ("REDEEM_TOKEN_ISSUER", "a b", "REDEEM_TOKEN_ISSUER or REDEEM_TOKEN_AUDIENCE is not valid"),
                ("REDEEM_TOKEN_AUDIENCE", "\"", "REDEEM_TOKEN_ISSUER or REDEEM_TOKEN_AUDIENCE is not valid"),
                ("REDEEM_HTTP_TRUSTED_PROXIES", "10.0.0.0/99", "REDEEM_HTTP_TRUSTED_PROXIES is '10.0.0.0/99'"),
            ] {
                var environment = product.environment
                environment[name] = value
                let report = await redeem(["serve", "--port", "0"], environment: environment)
                #expect(report.status == 64, "\(report.output)")
                #expect(report.output.contains(words), "\(report.output)")
            }
        }
    }
}
