import Foundation
import LocalStack
import NIOHTTP1
import TestSupport
import Testing

/// What operators do to sessions on the command line, with a server and a worker beside it.
@Suite(.serialized) struct SessionCommandTests {
    private static let password = "correct horse"

    private struct Listed: Decodable {
        let id: String
        let user_agent: String
        let address: String
    }

    private func sessions(_ product: Product, _ user: String) async throws -> [Listed] {
        let output = try await product.run("session", "list", user, "--json")
        return try JSONDecoder().decode([Listed].self, from: Data(output.utf8))
    }

    private func isAlive(_ api: API, _ token: String) async throws -> Bool {
        let answer = try await api.send(.GET, "/v1/me", token: token)
        #expect(answer.status == 200 || answer.code == "session_revoked")
        return answer.status == 200
    }

    @Test func sessionsAreListedAndEnded() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            for user in ["ann", "bob"] {
                try await product.run("user", "create", user, "--password-stdin", input: "\(Self.password)\n")
            }
            try await API.with(server.api) { api in
                let ann = try await [api.login("ann", Self.password), api.login("ann", Self.password)]
                let bob = try await api.login("bob", Self.password)
                let listed = try await sessions(product, "ann")
                #expect(listed.count == 2)
                #expect(listed.allSatisfy { $0.address == "127.0.0.1" })
                let text = try await product.run("session", "list", "ann")
                #expect(listed.allSatisfy { text.contains($0.id) })

                // The newest first: the first of the list is the second login.
                try await product.run("session", "revoke", "ann", listed[0].id)
                #expect(try await isAlive(api, ann[1]) == false)
                #expect(try await isAlive(api, ann[0]))
                for (arguments, status, words) in [
                    (["ann", listed[0].id], Int32(1), "has no session"), (["bob", listed[1].id], 1, "has no session"),
                    (["ann", "x"], 64, "'x' is not a session id"), (["zoe", "--all"], 1, "there is no user 'zoe'"),
                    (["ann"], 64, "give --all"), ([], 64, "name a user"),
                    (["ann", listed[1].id, "--all"], 64, "exclude each other"),
                    (["--issued-before", "yesterday"], 64, "2030-06-01T10:00:00Z"),
                    (["--issued-before", "2999-01-01T00:00:00Z"], 64, "in the future"),
                ] {
                    let report = await redeem(["session", "revoke"] + arguments, environment: product.environment)
                    #expect(report.status == status, "\(arguments): \(report.output)")
                    #expect(report.output.contains(words), "\(arguments): \(report.output)")
                }
                #expect(try await isAlive(api, ann[0]))
                try await product.run("session", "revoke", "ann", "--all")
                #expect(try await isAlive(api, ann[0]) == false)
                #expect(try await isAlive(api, bob))
                #expect(try await sessions(product, "ann").isEmpty)

                // The moment is in whole seconds, and is to be between the two logins.
                let last = Date().timeIntervalSince1970
                try await until("the next second") { Date().timeIntervalSince1970.rounded(.down) > last }
                let now = ISO8601DateFormatter().string(from: Date())
                let later = try await api.login("ann", Self.password)
                try await product.run("session", "revoke", "--issued-before", now)
                #expect(try await isAlive(api, bob) == false)
                #expect(try await isAlive(api, later))
            }
            try await product.settled()
        }
    }

    @Test func aChangeOfPasswordOrRoleEndsSessions() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            try await product.run("user", "create", "ann", "--password-stdin", input: "\(Self.password)\n")
            try await API.with(server.api) { api in
                let first = try await api.login("ann", Self.password)
                #expect(try await api.send(.GET, "/v1/admin/users/ann/sessions", token: first).code == "forbidden")
                try await product.run("user", "role", "ann", "admin")
                #expect(try await isAlive(api, first) == false)
                let second = try await api.login("ann", Self.password)
                #expect(try await api.send(.GET, "/v1/admin/users/ann/sessions", token: second).status == 200)
                try await product.run("user", "role", "ann", "admin")
                #expect(try await isAlive(api, second))
                try await product.run("user", "password", "ann", "--password-stdin", input: "another horse\n")
                #expect(try await isAlive(api, second) == false)
                let old = try await api.send(
                    .POST,
                    "/v1/auth/login",
                    body: #"{"username":"ann","password":"\#(Self.password)"}"#
                )
                #expect(old.code == "invalid_credentials")
                _ = try await api.login("ann", "another horse")
            }
        }
    }

    /// Redis is out of reach when the password is changed: the worker ends the sessions as soon as it is back.
    @Test func whatRedisDidNotHearItHearsLater() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            try await product.run("user", "create", "ann", "--password-stdin", input: "\(Self.password)\n")
            try await API.with(server.api) { api in
                let token = try await api.login("ann", Self.password)
                product.redis.suspend()
                let report = await redeem(
                    ["user", "password", "ann", "--password-stdin"],
                    environment: product.environment,
                    input: "another horse\n"
                )
                #expect(report.status == 75, "\(report.output)")
                #expect(
                    report.output.contains("the password of 'ann' is changed, but the sync worker has yet to end the sessions")
                )
                product.redis.resume()
                let limit = ContinuousClock.now + .seconds(60)
                var answer = try await api.send(.GET, "/v1/me", token: token)
                while answer.code != "session_revoked", ContinuousClock.now < limit {
                    #expect([200, 503].contains(answer.status))
                    answer = try await api.send(.GET, "/v1/me", token: token)
                }
                #expect(answer.code == "session_revoked")
            }
        }
    }

    /// What is in Postgres comes into effect when Redis is back, and commands say so.
    @Test func commandsSayWhatIsRecordedWhileRedisIsAway() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 1, stock: 5)
            for user in ["ann", "bob"] {
                try await product.run("user", "create", user, "--password-stdin", input: "\(Self.password)\n")
            }
            let environment = product.environment.merging(["REDEEM_REDIS_CONNECT_TIMEOUT_MS": "300"]) { $1 }
            func expect(_ arguments: String..., status: Int32, _ words: String...) async {
                let report = await redeem(arguments, environment: environment)
                #expect(report.status == status, "\(arguments): \(report.output)")
                for text in words { #expect(report.output.contains(text), "\(arguments): \(report.output)") }
            }
            try await API.with(server.api) { api in
                let ann = try await api.login("ann", Self.password)
                product.redis.suspend()
                await expect("user", "show", "ann", status: 0, "BALANCE", "what is available and held is not shown")
                await expect("user", "credit", "ann", "--add", "5", status: 0, "ann", "recorded; it takes effect as soon as")
                await expect("user", "role", "bob", "admin", status: 75, "'bob' has the role admin now, but")
                await expect("coupon", "pause", "sale", status: 0, "paused", "recorded; it takes effect as soon as")
                await expect("coupon", "restock", "sale", "--by", "2", status: 0, "recorded; it takes effect as soon as")
                await expect(
                    "session",
                    "revoke",
                    "ann",
                    "--all",
                    status: 75,
                    "the sessions of 'ann' are revoked, but",
                    "when Redis is back"
                )
                await expect("session", "revoke", "--issued-before", "2020-01-01T00:00:00Z", status: 75, "are revoked, but")
                await expect("session", "list", "ann", status: 69, "error: Redis: ")
                var without = environment
                without["REDEEM_REDIS_URL"] = ""
                let refused = await redeem("user", "role", "ann", "admin", environment: without)
                #expect(refused.status == 64, "\(refused.output)")
                product.redis.resume()
                try await product.applied()
                #expect(try await api.redeem(token: tokens[0]).code == "coupon_paused")
                #expect(try await isAlive(api, ann) == false)
                #expect(try await api.credit(try await api.login("ann", Self.password)) == 5)
                #expect(try await product.run("user", "show", "ann").contains(" user "))
                #expect(try await api.send(.GET, "/v1/coupons/sale")["left"] as? Int == 7)
            }
            try await product.settled()
        }
    }
}
