import Domain
import Foundation
import LocalStack
import NIOHTTP1
import Testing
import TestSupport

/// A clock is moved by an hour: that of Redis, of a server, of a sync worker.
@Suite(.serialized) struct ClockTests {
    private static let hour = 3600
    private static let password = "correct horse"

    /// Runs the body with a product whose Redis has a clock that can be moved.
    private func withMovableRedis(_ body: (Product, MovableClock) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let clock = try MovableClock(in: folder)
            var options = RedisOptions()
            options.environment = clock.redisEnvironment
            try await Product.with(redis: options) { try await body($0, clock) }
        }
    }

    private func id(_ answer: API.Answer) throws -> RedemptionID {
        try #require((answer["id"] as? String).flatMap { RedemptionID($0) }, "\(answer.status): \(answer.body)")
    }

    /// Text for `--starts` and `--ends`.
    private func moment(inSeconds seconds: Int) -> String {
        ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: Double(seconds)))
    }

    @Test func theClockOfRedis() async throws {
        try await withMovableRedis { product, clock in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 12, stock: 100)
            let password = "\(ClockTests.password)\n"
            try await product.run("user", "create", "ann", "--credit", "100", "--password-stdin", input: password)
            try await product.run(
                "coupon",
                "create",
                "later",
                "--price",
                "1",
                "--total",
                "100",
                "--code",
                "LATER",
                "--starts",
                moment(inSeconds: ClockTests.hour / 2),
                "--ends",
                moment(inSeconds: 3 * ClockTests.hour / 2)
            )
            try await API.with(server.api) { api in
                func redeem(_ user: Int, _ coupon: String = "sale", key: String? = nil) async throws -> API.Answer {
                    try await api.redeem(coupon, token: tokens[user], code: coupon == "sale" ? Product.code : "LATER", key: key)
                }
                var ids: [RedemptionID] = []
                ids.append(try id(try await redeem(0)))
                try await until("the coupon is there") { try await redeem(0, "later").code == "coupon_not_started" }

                // Ahead: the window is Redis's, whatever the servers' clocks say.
                try clock.move(bySeconds: ClockTests.hour)
                ids.append(try id(try await redeem(1)))
                #expect(try await redeem(1, "later").status == 201)
                let ahead = ids[1].uuid.milliseconds - ids[0].uuid.milliseconds
                #expect(ahead > 3_500_000, "the clock was not moved")

                // Behind: the window is closed again, and no id goes back.
                try clock.move(bySeconds: -ClockTests.hour)
                ids.append(try id(try await redeem(2)))
                #expect(try await redeem(2, "later").code == "coupon_not_started")
                ids.append(try id(try await redeem(3)))
                try await product.settled()

                // Behind, and started again: the stream's last id is in the append-only file.
                await product.redis.kill()
                try await product.redis.restart()
                // The same request again: one without an answer may have been accepted.
                try await until("open again") { try await redeem(4, key: "again").status == 201 }
                ids.append(try id(try await redeem(5)))
                #expect(ids.map(\.uuid.milliseconds) == ids.map(\.uuid.milliseconds).sorted())
                try await product.settled()

                // Behind, and empty: another epoch, with a stream that begins at the clock.
                try await product.emptyRedis()
                try await until("rebuilt") {
                    guard let token = try? await api.login("ann", ClockTests.password) else { return false }
                    return try await api.redeem(token: token).status == 201
                }
                try clock.move(bySeconds: 0)
                try await product.settled()
            }
        }
    }

    @Test func noSessionComesBackWithTheClock() async throws {
        try await withMovableRedis { product, clock in
            let sync = product.start("sync")
            // Half an hour.
            let server = try await product.serve(with: ["REDEEM_SESSION_IDLE_S": "1800"])
            _ = try await sync.logged("the shard is open")
            for user in ["ann", "bob"] {
                try await product.run("user", "create", user, "--password-stdin", input: "\(Self.password)\n")
            }
            try await API.with(server.api) { api in
                let body = #"{"username":"ann","password":"\#(Self.password)"}"#
                let login = try await api.send(.POST, "/v1/auth/login", body: body)
                let access = try #require(login["access_token"] as? String)
                let refresh = try #require(login["refresh_token"] as? String)
                #expect(try await api.send(.GET, "/v1/me", token: access).status == 200)
                try clock.move(bySeconds: ClockTests.hour)
                #expect(try await api.send(.GET, "/v1/me", token: access).code == "session_revoked")
                // One of this hour, which the clock's way back does not end.
                let bob = try await api.login("bob", Self.password)
                for seconds in [0, -ClockTests.hour] {
                    try clock.move(bySeconds: seconds)
                    #expect(try await api.send(.GET, "/v1/me", token: access).code == "session_revoked")
                    let answer = try await api.send(.POST, "/v1/auth/refresh", body: #"{"refresh_token":"\#(refresh)"}"#)
                    #expect(answer.code == "refresh_token_invalid")
                    #expect(try await api.send(.GET, "/v1/me", token: bob).status == 200)
                }
                // Nor does a restart, with the file that says when sessions end.
                await product.redis.kill()
                try await product.redis.restart()
                try await until("connected") { try await api.send(.GET, "/v1/me", token: bob).status == 200 }
                #expect(try await api.send(.GET, "/v1/me", token: access).code == "session_revoked")
            }
        }
    }

    /// An access token is judged by the server's clock, and a session by Redis: a wrong clock refuses too much, and a
    /// session that has ended redeems nowhere.
    @Test func theClockOfAServer() async throws {
        try await Product.with { product in
            try await withTemporaryFolder { folder in
                let clock = try MovableClock(in: folder)
                let sync = product.start("sync")
                let right = try await product.serve()
                let wrong = try await product.serve(clock: clock)
                _ = try await sync.logged("the shard is open")
                _ = try await product.seed(users: 1, stock: 100)
                for user in ["ann", "bob", "cem"] {
                    let arguments = ["user", "create", user, "--credit", "100", "--password-stdin"]
                    try await product.run(arguments, input: "\(Self.password)\n")
                }
                try await API.with(right.api) { api in
                    try await API.with(wrong.api) { other in
                        let ann = try await api.login("ann", Self.password)
                        #expect(try await other.send(.GET, "/v1/me", token: ann).status == 200)

                        // Ahead: what others issue is over; what it issues is from the future for them.
                        try clock.move(bySeconds: ClockTests.hour)
                        #expect(try await other.redeem(token: ann).code == "token_expired")
                        let bob = try await other.login("bob", Self.password)
                        #expect(try await other.redeem(token: bob).status == 201)
                        #expect(try await api.redeem(token: bob).code == "token_invalid")

                        // Behind: the other way round.
                        try clock.move(bySeconds: -ClockTests.hour)
                        #expect(try await other.redeem(token: ann).code == "token_invalid")
                        let cem = try await other.login("cem", Self.password)
                        #expect(try await api.redeem(token: cem).code == "token_expired")
                        #expect(try await other.redeem(token: cem).status == 201)

                        // A token that is over is good there for an hour more, and its session is not.
                        try await product.run("session", "revoke", "cem", "--all")
                        #expect(try await other.redeem(token: cem).code == "session_revoked")
                        try clock.move(bySeconds: 0)
                        #expect(try await other.redeem(token: ann).status == 201)
                    }
                }
                try await product.settled()
            }
        }
    }

    @Test func theClockOfAWorker() async throws {
        try await Product.with { product in
            try await withTemporaryFolder { folder in
                let clock = try MovableClock(in: folder)
                let sync = product.start("sync", clock: clock)
                let server = try await product.serve()
                _ = try await sync.logged("the shard is open")
                let tokens = try await product.seed(users: 30, stock: 100)
                try await API.with(server.api) { api in
                    for (index, seconds) in [ClockTests.hour, -ClockTests.hour, 0].enumerated() {
                        try clock.move(bySeconds: seconds)
                        for token in tokens[(10 * index)...].prefix(10) {
                            #expect(try await api.redeem(token: token).status == 201)
                        }
                        try await product.settled()
                    }
                }
                #expect(!sync.output.contains("starts again"), "\(sync.output)")
                #expect(await sync.stop() == 0)
            }
        }
    }
}
