import Domain
import HotPath
import RedisClient
import TestSupport
import Testing

@testable import Credentials
@testable import Server

@Suite struct RefreshAPITests {
    /// However many ask at once, and whatever server answers: one successor.
    @Test func aCrowdGetsOneSuccessor() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            let answers = try await withThrowingTaskGroup(of: TestLogin.self) { group in
                for _ in 0..<50 { group.addTask { try TestLogin(try await server.refresh(login.refresh)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 50)
            #expect(Set(answers.map(\.refresh)).count == 1)
            #expect(Set(answers.map(\.session)) == [login.session])
            for answer in [answers[0], answers[49], login] { #expect(try await server.isAlive(answer)) }
            // The successor is one that can be exchanged.
            let next = try TestLogin(try await server.refresh(answers[7].refresh))
            #expect(next.refresh != answers[7].refresh)
            let metrics = try await server.request("GET", "/metrics", ops: true).body
            #expect(metrics.contains("redeem_refreshes_total{outcome=\"rotated\"} 2\n"))
            #expect(metrics.contains("redeem_refreshes_total{outcome=\"repeated\"} 49\n"))
        }
    }

    /// Two holders of one token: the one who comes after the grace shows that it was stolen.
    @Test func reuseEndsTheSession() async throws {
        try await withServer {
            $0.sessions.grace = .zero
        } _: { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            let other = try await server.logIn("ada")
            let next = try TestLogin(try await server.refresh(login.refresh))
            let again = try await server.refresh(login.refresh)
            #expect(again.status == 401)
            #expect(again.code == "refresh_token_reused")
            #expect(again.headers["www-authenticate"] != nil)
            #expect(try await server.refresh(next.refresh).code == "refresh_token_invalid")
            for ended in [login, next] { #expect(try await server.isAlive(ended) == false) }
            #expect(try await server.isAlive(other))
            let metrics = try await server.request("GET", "/metrics", ops: true).body
            #expect(metrics.contains("redeem_refreshes_total{outcome=\"reused\"} 1\n"))
        }
    }

    @Test func anOlderTokenIsReuseWithinTheGraceToo() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let first = try await server.logIn("ada")
            let second = try TestLogin(try await server.refresh(first.refresh))
            _ = try TestLogin(try await server.refresh(second.refresh))
            #expect(try await server.refresh(first.refresh).code == "refresh_token_reused")
            #expect(try await server.isAlive(second) == false)
        }
    }

    /// Anyone who knows a session's id but has none of its tokens can neither take it over nor end it.
    @Test func aMadeUpTokenDoesNoHarm() async throws {
        try await withServer { server in
            let ada = try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            let session = try #require(SessionID(login.session))
            let forger = RefreshTokens(key: .random())
            for _ in 0..<3 {
                let made = forger.issue(user: ada, session: session).secretText
                #expect(try await server.refresh(made).code == "refresh_token_invalid")
                #expect(try await server.form("/v1/auth/revoke", "token=\(made)").status == 200)
            }
            #expect(try await server.isAlive(login))
            #expect(try await server.refresh(login.refresh).status == 200)
        }
    }

    @Test func noTokenIsStoredInClear() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let login = try await server.logIn("ada")
            let next = try TestLogin(try await server.refresh(login.refresh))
            let key = Keys(Shard(index: 0)).session(try #require(SessionID(login.session)))
            let stored = try await server.environment.redisClient.send(["HGETALL", key]).array?.compactMap(\.string) ?? []
            #expect(stored.count >= 20)
            for token in [login.refresh, next.refresh] {
                let secret = Array(try #require(Base64.decode(token.utf8.dropFirst(RefreshToken.prefix.utf8.count)))[32..<64])
                for value in stored {
                    #expect(value != token)
                    #expect(Base64.decode(value.utf8) != secret)
                    #expect(value != secret.map { String($0 >> 4, radix: 16) + String($0 & 0xF, radix: 16) }.joined())
                }
            }
            #expect(!stored.contains(login.access))
        }
    }

    @Test func theAbsoluteLifetimeIsNotProlonged() async throws {
        try await withServer {
            $0.sessions.absolute = .seconds(5)
        } _: { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            var login = try await server.logIn("ada")
            let limit = ContinuousClock.now + .seconds(30)
            var refreshes = 0
            while ContinuousClock.now < limit {
                let response = try await server.refresh(login.refresh)
                guard response.status == 200 else {
                    #expect(response.code == "refresh_token_invalid")
                    break
                }
                login = try TestLogin(response)
                refreshes += 1
            }
            #expect(refreshes > 1)
            #expect(ContinuousClock.now < limit)
            #expect(try await server.isAlive(login) == false)
        }
    }
}
