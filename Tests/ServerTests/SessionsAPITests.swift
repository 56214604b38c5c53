import Domain
import Foundation
import HotPath
import RedisClient
import TestSupport
import Testing

@testable import Server

@Suite struct SessionsAPITests {
    @Test func theCallersSessionsAreListed() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let first = try await server.logIn("ada", headers: ["User-Agent: Shop/1.0 (phone)"])
            let second = try await server.logIn("ada", headers: ["User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"])
            let list = try await server.request("GET", "/v1/auth/sessions", token: first.access)
            #expect(list.status == 200)
            let sessions = try #require(try list.object["sessions"] as? [[String: Any]])
            #expect(sessions.map { $0["id"] as? String } == [second.session, first.session])
            #expect(sessions.map { $0["device"] as? String } == ["Firefox on Linux", "Shop"])
            #expect(sessions[1]["user_agent"] as? String == "Shop/1.0 (phone)")
            #expect(sessions.map { $0["current"] as? Bool } == [false, true])
            #expect(sessions[0]["address"] as? String == "127.0.0.1")
            for name in ["created_at", "last_used_at", "expires_at"] {
                #expect(Timestamp(rfc3339: try #require(sessions[0][name] as? String)) != nil)
            }
        }
    }

    /// Each object route checks its owner: what is somebody else's is as good as none.
    @Test func sessionsAreEndedByTheirUserAlone() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.addUser("eve")
            try await server.environment.openShard()
            let ada = try await server.logIn("ada")
            let phone = try await server.logIn("ada")
            let eve = try await server.logIn("eve")
            for id in [ada.session, "x", "\(UUIDv7(milliseconds: 1))", "\(ada.session)x"] {
                let response = try await server.request("DELETE", "/v1/auth/sessions/\(id)", token: eve.access)
                #expect(response.status == 404)
                #expect(response.code == "session_not_found")
            }
            #expect(try await server.request("DELETE", "/v1/auth/sessions", token: eve.access).status == 204)
            #expect(try await server.isAlive(eve) == false)
            #expect(try await server.isAlive(ada))

            #expect(try await server.request("DELETE", "/v1/auth/sessions/\(phone.session)", token: ada.access).status == 204)
            #expect(try await server.isAlive(phone) == false)
            #expect(try await server.refresh(phone.refresh).code == "refresh_token_invalid")
            #expect(try await server.request("DELETE", "/v1/auth/sessions/\(phone.session)", token: ada.access).status == 404)
            #expect(try await server.isAlive(ada))
        }
    }

    @Test func allSessionsOrAllOthers() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let logins = [try await server.logIn("ada"), try await server.logIn("ada"), try await server.logIn("ada")]
            for query in ["except=mine", "EXCEPT=current", "except=current&x", "except="] {
                let wrong = try await server.request("DELETE", "/v1/auth/sessions?\(query)", token: logins[0].access)
                #expect(wrong.status == 400)
                #expect(wrong.code == "invalid_parameter")
            }
            for login in logins { #expect(try await server.isAlive(login)) }
            #expect(try await server.request("DELETE", "/v1/auth/sessions?except=current", token: logins[0].access).status == 204)
            #expect(try await server.isAlive(logins[0]))
            #expect(try await server.isAlive(logins[1]) == false)
            #expect(try await server.isAlive(logins[2]) == false)
            #expect(try await server.request("DELETE", "/v1/auth/sessions", token: logins[0].access).status == 204)
            #expect(try await server.isAlive(logins[0]) == false)
        }
    }

    /// RFC 7009.
    @Test func tokensAreRevoked() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let byRefresh = try await server.logIn("ada")
            let byAccess = try await server.logIn("ada")
            let kept = try await server.logIn("ada")
            for text in [
                "token=\(byRefresh.refresh)&token_type_hint=refresh_token", "token_type_hint=whatever&token=\(byAccess.access)",
                // Those are worth nothing, which is nobody's business.
                "token=\(byRefresh.refresh)", "token=x", "token=rt9_abc",
                "token=\(kept.refresh.dropLast())\(kept.refresh.hasSuffix("A") ? "Q" : "A")",
                "token=\(kept.access.dropLast(2))",
            ] {
                let response = try await server.form("/v1/auth/revoke", text)
                #expect(response.status == 200, "\(text)")
                #expect(response.body == "")
            }
            #expect(try await server.isAlive(byRefresh) == false)
            #expect(try await server.isAlive(byAccess) == false)
            #expect(try await server.isAlive(kept))
            for text in ["", "token=", "token", "tok=x", "token=a&token=b", "token=%zz", "token=%ff"] {
                let response = try await server.form("/v1/auth/revoke", text)
                #expect(response.status == 400)
                #expect(response.code == "invalid_body")
                #expect(try response.object["error"] as? String == "invalid_request")
            }
            let json = try await server.request("POST", "/v1/auth/revoke", json: "{\"token\":\"\(kept.refresh)\"}")
            #expect(json.status == 415)
            let long = try await server.form("/v1/auth/revoke", "token=" + String(repeating: "a", count: 5000))
            #expect(long.status == 413)
        }
    }

    /// A token that was exchanged long ago still names its login, and who has it may end it.
    @Test func anOlderRefreshTokenRevokesToo() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            #expect(try await server.refresh(login.refresh).status == 200)
            #expect(try await server.form("/v1/auth/revoke", "token=\(login.refresh)").status == 200)
            #expect(try await server.isAlive(login) == false)
        }
    }

    /// A session that runs out is over for every route.
    @Test func aSessionExpiresInTheMiddle() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            #expect(try await server.redeem("tea", token: login.access, code: "wrong").status == 422)
            let key = Keys(Shard(index: 0)).session(try #require(SessionID(login.session)))
            _ = try await server.environment.redisClient.send(["PEXPIRE", key, "1"])
            while try await server.environment.redisClient.send(["EXISTS", key]).integer != 0 {}
            #expect(try await server.redeem("tea", token: login.access).code == "session_revoked")
            #expect(try await server.isAlive(login) == false)
            #expect(try await server.refresh(login.refresh).code == "refresh_token_invalid")
        }
    }

    /// Invariant 7: whatever is accepted was accepted before the revocation was answered.
    @Test(arguments: ["logout", "session", "sessions", "revoke"])
    func nothingIsRedeemedAfterARevocation(how: String) async throws {
        try await withServer { server in
            let coupons = (0..<200).map { "c\($0)" }
            for coupon in coupons { try await server.addCoupon(coupon, code: "code \(coupon)", price: 0) }
            try await server.addUser("ada")
            try await server.environment.openShard()
            let seen = Statuses()
            for round in 0..<5 {
                let login = try await server.logIn("ada")
                let revokedAt = Moment()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for part in 0..<4 {
                        group.addTask {
                            try await server.withClient { client in
                                for coupon in coupons[(round * 40 + part * 10)..<(round * 40 + part * 10 + 10)] {
                                    let sent = ContinuousClock.now
                                    let response = try await client.request(
                                        "POST",
                                        "/v1/coupons/\(coupon)/redemptions",
                                        token: login.access,
                                        json: "{\"code\":\"code \(coupon)\"}"
                                    )
                                    #expect([201, 401].contains(response.status))
                                    seen.add(response.status)
                                    if let revoked = revokedAt.value, sent >= revoked {
                                        #expect(response.code == "session_revoked")
                                    }
                                }
                            }
                        }
                    }
                    group.addTask {
                        let response =
                            switch how {
                            case "logout": try await server.request("POST", "/v1/auth/logout", token: login.access)
                            case "session":
                                try await server.request("DELETE", "/v1/auth/sessions/\(login.session)", token: login.access)
                            case "sessions": try await server.request("DELETE", "/v1/auth/sessions", token: login.access)
                            default: try await server.form("/v1/auth/revoke", "token=\(login.refresh)")
                            }
                        #expect([200, 204].contains(response.status))
                        revokedAt.set()
                    }
                    try await group.waitForAll()
                }
                // On the same and on another connection, and by the other route.
                #expect(try await server.redeem("c199", token: login.access, code: "code c199").code == "session_revoked")
                let json = #"{"code":"code c199"}"#
                let byCode = try await server.request("POST", "/v1/redemptions", token: login.access, json: json)
                #expect(byCode.code == "session_revoked")
            }
            // The revocations did come in the middle.
            #expect(seen.all == [201, 401])
        }
    }
}
