import Domain
import Logging
import TestSupport
import Testing

@testable import Server

/// What the log tells of who did what (ASVS 5.0, 16.3), and what it never tells.
@Suite struct EventLogTests {
    private static let wrong = "wrong horse"

    @Test func logInsLogOutsRefusalsAndLockOutsAreLogged() async throws {
        let log = RecordedLog()
        try await withServer(logger: log.logger(level: .info)) { server in
            try await server.addCoupon("tea")
            let ada = try await server.addUser("ziggy")
            try await server.environment.openShard()
            let login = try await server.logIn("ziggy", headers: ["X-Request-Id: r-login"])
            let session = login.session
            let one = try #require(log.all("logged in").first)
            #expect(log.all("logged in").count == 1)
            #expect(one.level == .info && one["user"] == "\(ada)" && one["session"] == session)
            #expect(one["address"] == "127.0.0.1" && one["request_id"] == "r-login")

            _ = try await server.tryLogIn("ziggy", password: Self.wrong, headers: ["X-Request-Id: r-wrong"])
            let refused = try #require(log.all("a login was refused: no user has this name and password").first)
            #expect(refused["address"] == "127.0.0.1" && refused["request_id"] == "r-wrong")

            #expect(try await server.request("DELETE", "/v1/admin/sessions", token: login.access).status == 403)
            let forbidden = try #require(log.all("an operators' call was refused").first)
            #expect(forbidden["user"] == "\(ada)" && forbidden["session"] == session && forbidden["path"] == "/v1/admin/sessions")

            // On one connection, hence on one event loop: each tells it once.
            try await server.withClient { client in
                for _ in 0..<(Limits.wrongCodes + 3) {
                    let (path, json) = ("/v1/coupons/tea/redemptions", #"{"code":"GUESSED-CODE"}"#)
                    _ = try await client.request("POST", path, token: login.access, json: json)
                }
            }
            let locked = log.all("a user is locked out: too many wrong codes")
            #expect(locked.count == 1)
            #expect(locked.first?["user"] == "\(ada)" && locked.first?["session"] == session)

            #expect(try await server.refresh("not-a-refresh-token").status == 401)
            #expect(log.all("a refresh token was refused").count == 1)
            #expect(try await server.request("POST", "/v1/auth/logout", token: login.access).status == 204)
            let out = try #require(log.all("logged out").first)
            #expect(out["user"] == "\(ada)" && out["session"] == session && out["address"] == "127.0.0.1")

            // No secret, and nothing that was typed where a secret may be typed.
            let secrets = [
                login.access, login.refresh, RunningServer.password, Self.wrong, RunningServer.code, "GUESSED-CODE", "ziggy",
                "not-a-refresh-token",
            ]
            for entry in log.all {
                let texts = [entry.message] + entry.metadata.values
                #expect(!texts.contains { text in secrets.contains { text.contains($0) } }, "\(entry)")
            }
        }
    }

    /// `X-Request-Id` ties an answer to the log: at level `debug`, a redemption that was refused too.
    @Test func aRefusedRedemptionLeavesATrace() async throws {
        let log = RecordedLog()
        try await withServer(logger: log.logger(level: .debug)) { server in
            try await server.addCoupon("tea")
            let ada = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: ada)
            let json = #"{"code":"GUESSED-CODE"}"#
            // By each reader of the route.
            for (index, path) in ["/v1/coupons/tea/redemptions", "/v1/coupons/tea/redemptions?"].enumerated() {
                let headers = ["X-Request-Id: r-\(index)"]
                #expect(try await server.request("POST", path, token: token, headers: headers, json: json).status == 422)
                let entries = log.all.filter { $0["request_id"] == "r-\(index)" }
                #expect(entries.map(\.message) == ["asked to redeem", "answered"], "\(path)")
                #expect(entries.first?["user"] == "\(ada)" && entries.first?["coupon"] == "tea")
                #expect(entries.last?["outcome"] == "wrong_code")
            }
            #expect(
                try await server.request("POST", "/v1/coupons/tea/redemptions", headers: ["X-Request-Id: r-2"], json: json).status
                    == 401
            )
            #expect(log.all.filter { $0["request_id"] == "r-2" }.map { $0["outcome"] } == ["token_invalid"])
            #expect(
                !log.all.contains { entry in entry.metadata.values.contains { $0.contains("GUESSED-CODE") || $0.contains(token) }
                }
            )
        }
    }
}
