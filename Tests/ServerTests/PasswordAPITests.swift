import Credentials
import Domain
import HotPath
import Persistence
import PostgresClient
import TestSupport
import Testing

@testable import Server

@Suite struct PasswordAPITests {
    private static let new = "battery staple"

    private func change(_ server: RunningServer, _ token: String?, _ current: String, _ new: String) async throws -> TestResponse
    {
        let json = #"{"current_password":"\#(current)","new_password":"\#(new)"}"#
        return try await server.request("POST", "/v1/me/password", token: token, json: json)
    }

    @Test func aUserChangesTheirPassword() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            let ada = try await server.addUser("ada")
            try await server.environment.openShard()
            let (own, other) = (try await server.logIn("ada"), try await server.logIn("ada"))
            let changed = try await change(server, own.access, RunningServer.password, Self.new)
            #expect(changed.status == 200, "\(changed.body)")
            // All sessions end, the caller has a new one.
            #expect(try await server.isAlive(own) == false)
            #expect(try await server.isAlive(other) == false)
            #expect(try await server.redeem("tea", token: own.access).code == "session_revoked")
            let access = try #require(changed.object["access_token"] as? String)
            #expect(try await server.redeem("tea", token: access).status == 201)
            #expect(try await server.tryLogIn("ada", password: RunningServer.password).status == 401)
            #expect(try await server.tryLogIn("ada", password: Self.new).status == 200)
            // Anyone who opens the shard ends them too.
            let revoked = try await server.environment.postgres.withConnection { try $0.sessionRevocations(after: 0) }
            #expect(revoked.below == [ada: 2])
        }
    }

    @Test func itAsksForTheCurrentOneAndThrottlesTries() async throws {
        try await withServer { configuration in
            configuration.loginsPerUsername = LoginRate(burst: 3, interval: .seconds(600))
        } _: { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            #expect(try await change(server, nil, RunningServer.password, Self.new).code == "token_invalid")
            for new in ["", "short", String(repeating: "x", count: Limits.passwordBytes + 1)] {
                let answer = try await change(server, login.access, RunningServer.password, new)
                #expect(answer.code == "invalid_body" && answer.body.contains("new_password"), "\(answer.body)")
            }
            for _ in 0..<3 {
                #expect(try await change(server, login.access, "wrong horse", Self.new).code == "invalid_credentials")
            }
            // Anyone who has an access token only learns no password by trying.
            let limited = try await change(server, login.access, RunningServer.password, Self.new)
            #expect(limited.code == "too_many_logins" && limited.headers["retry-after"] != nil)
            #expect(try await server.isAlive(login))
        }
    }

    /// Of two who know the current one, the second must not undo what the first did.
    @Test func ofTwoAtOnceOneChangesIt() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            async let first = change(server, login.access, RunningServer.password, "first battery")
            async let second = change(server, login.access, RunningServer.password, "second battery")
            let statuses = try await [first.status, second.status]
            #expect(statuses.count { $0 == 200 } == 1, "\(statuses)")
            let winner = statuses[0] == 200 ? "first battery" : "second battery"
            #expect(try await server.tryLogIn("ada", password: winner).status == 200)
        }
    }

    /// A token key that leaked makes any token. What is asked of a session's record is not the token's word alone.
    @Test func aSessionIsOfItsUserAndRole() async throws {
        try await withServer { server in
            let ada = try await server.addUser("ada")
            let ben = try await server.addUser("ben", role: .admin)
            try await server.environment.openShard()
            let session = SessionID.new()
            let token = try await server.token(of: ada, session: session)
            #expect(try await server.request("GET", "/v1/me", token: token).status == 200)
            let signer = AccessTokenSigner(keys: server.configuration.tokenKeys)
            for (user, role) in [(ben, Role.user), (ben, .admin), (ada, .admin)] {
                let forged = signer.sign(user: user, session: session, role: role)
                for (method, path) in [
                    ("GET", "/v1/me"), ("GET", "/v1/auth/sessions"), ("GET", "/v1/admin/users/ada/sessions"),
                    ("DELETE", "/v1/admin/users/ada/sessions"),
                ] {
                    let answer = try await server.request(method, path, token: forged)
                    #expect(answer.code == "session_revoked", "\(method) \(path) as \(role): \(answer.status)")
                }
            }
        }
    }
}
