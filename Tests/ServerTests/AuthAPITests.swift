import Credentials
import Domain
import Foundation
import HotPath
import TestSupport
import Testing

@testable import Server

@Suite struct AuthAPITests {
    private let credentials = "{\"username\":\"ada\",\"password\":\"\(RunningServer.password)\"}"

    @Test func loginRefreshLogout() async throws {
        try await withServer { server in
            let ada = try await server.addUser("ada", credit: 42)
            try await server.environment.openShard()
            let login = try await server.request("POST", "/v1/auth/login", json: credentials)
            #expect(login.status == 200)
            #expect(login.headers["cache-control"] == "no-store")
            let object = try login.object
            #expect(object["token_type"] as? String == "Bearer")
            #expect(object["expires_in"] as? Int == 300)
            let user = try #require(object["user"] as? [String: Any])
            #expect(user["id"] as? String == ada.description)
            #expect(user["username"] as? String == "ada")
            #expect(user["role"] as? String == "user")
            // The login has loaded the user.
            #expect(try await server.environment.store.credit(of: ada) == Credit(available: 42, held: 0))
            let token = try #require(object["access_token"] as? String)
            let refresh = try #require(object["refresh_token"] as? String)

            let me = try await server.request("GET", "/v1/me", token: token).object
            #expect((me["user"] as? [String: Any])?["username"] as? String == "ada")
            #expect((me["credit"] as? [String: Any])?["available"] as? Int == 42)
            #expect(me["session"] as? String == object["session"] as? String)

            let refreshed = try await server.request("POST", "/v1/auth/refresh", json: "{\"refresh_token\":\"\(refresh)\"}")
            #expect(refreshed.status == 200)
            let next = try #require(try refreshed.object["refresh_token"] as? String)
            #expect(next != refresh)
            #expect(try refreshed.object["session"] as? String == object["session"] as? String)
            let newToken = try #require(try refreshed.object["access_token"] as? String)
            #expect(try await server.request("GET", "/v1/me", token: newToken).status == 200)

            #expect(try await server.request("POST", "/v1/auth/logout", token: newToken).status == 204)
            for call in [("GET", "/v1/me"), ("GET", "/v1/me/redemptions"), ("POST", "/v1/auth/logout")] {
                let response = try await server.request(call.0, call.1, token: token)
                #expect(response.status == 401)
                #expect(response.code == "session_revoked")
                #expect(response.headers["www-authenticate"]?.contains("invalid_token") == true)
            }
            let late = try await server.request("POST", "/v1/auth/refresh", json: "{\"refresh_token\":\"\(next)\"}")
            #expect(late.code == "refresh_token_invalid")
        }
    }

    @Test func wrongCredentialsAndUnknownUsersAreAnsweredAlike() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let wrong = #"{"username":"ada","password":"wrong horse"}"#
            let unknown = #"{"username":"eve","password":"wrong horse"}"#
            let strange = #"{"username":"'; -- ü","password":""}"#
            let bodies = try await [wrong, unknown, strange].asyncMap { json in
                let response = try await server.request("POST", "/v1/auth/login", headers: ["X-Request-Id: r"], json: json)
                #expect(response.status == 401)
                #expect(response.headers["www-authenticate"] != nil)
                return response.body
            }
            #expect(Set(bodies).count == 1)
            #expect(bodies[0].contains("invalid_credentials"))
        }
    }

    @Test(arguments: [
        ("/v1/auth/login", ""), ("/v1/auth/login", "{"), ("/v1/auth/login", "[]"), ("/v1/auth/login", #"{"username":"ada"}"#),
        ("/v1/auth/login", #"{"username":"ada","password":7}"#), ("/v1/auth/refresh", "{}"),
        ("/v1/auth/refresh", #"{"refresh_token":null}"#),
    ])
    func badBodies(path: String, json: String) async throws {
        try await withServer { server in
            let response = try await server.request("POST", path, json: json)
            #expect(response.status == 400)
            #expect(response.code == "invalid_body")
            let form = try await server.request("POST", path, headers: ["Content-Type: text/plain", "Content-Length: 0"])
            #expect(form.status == 415)
            #expect(form.code == "unsupported_media_type")
        }
    }

    @Test func refreshTokensThatAreNone() async throws {
        try await withServer { server in
            try await server.environment.openShard()
            let id = UUIDv7(milliseconds: 5)
            let tokens = RefreshTokens(key: server.configuration.codeKey)
            let stranger = tokens.issue(user: UserID(uuid: id), session: SessionID(uuid: id)).secretText
            for token in ["", "x", "rt2_" + stranger.dropFirst(4), stranger, String(stranger.dropLast()), "é", "a.b.c"] {
                let response = try await server.refresh(token)
                #expect(response.status == 401)
                #expect(response.code == "refresh_token_invalid")
                #expect(response.headers["www-authenticate"] == "Bearer realm=\"redeem\"")
            }
        }
    }

    @Test func everyAuthenticatedCallNeedsAToken() async throws {
        try await withServer { server in
            let calls = [
                ("GET", "/v1/me"), ("GET", "/v1/me/redemptions"), ("POST", "/v1/auth/logout"), ("POST", "/v1/redemptions"),
                ("POST", "/v1/coupons/tea/redemptions"), ("GET", "/v1/redemptions/\(UUIDv7(milliseconds: 1))"),
                ("GET", "/v1/auth/sessions"), ("DELETE", "/v1/auth/sessions"),
                ("DELETE", "/v1/auth/sessions/\(UUIDv7(milliseconds: 1))"), ("GET", "/v1/admin/users/ada/sessions"),
                ("DELETE", "/v1/admin/users/ada/sessions"), ("DELETE", "/v1/admin/users/ada/sessions/x"),
                ("DELETE", "/v1/admin/sessions?issued_before=2020-01-01T00:00:00Z"),
            ]
            for (method, path) in calls {
                for headers in [[], ["Authorization: Bearer abc"], ["Authorization: Basic YTpi"]] {
                    let response = try await server.request(method, path, headers: headers, json: method == "POST" ? "{}" : nil)
                    #expect(response.status == 401, "\(method) \(path)")
                    #expect(response.code == "token_invalid")
                    #expect(response.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
                }
            }
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Output>(_ transform: (Element) async throws -> Output) async rethrows -> [Output] {
        var output: [Output] = []
        for element in self { output.append(try await transform(element)) }
        return output
    }
}
