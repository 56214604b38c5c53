import Domain
import Foundation
import HotPath
import LocalStack
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Server

@Suite struct AdminAPITests {
    private static let paths = [
        ("GET", "/v1/admin/users/ada/sessions"), ("DELETE", "/v1/admin/users/ada/sessions"),
        ("DELETE", "/v1/admin/users/ada/sessions/01920000-0000-7000-8000-000000000001"),
        ("DELETE", "/v1/admin/sessions?issued_before=2020-01-01T00:00:00Z"),
    ]

    @Test func onlyOperatorsMay() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            let ada = try await server.logIn("ada")
            for (method, path) in Self.paths {
                let response = try await server.request(method, path, token: ada.access)
                #expect(response.status == 403, "\(method) \(path)")
                #expect(response.code == "forbidden")
                #expect(response.headers["www-authenticate"]?.contains("insufficient_scope") == true)
            }
            #expect(try await server.isAlive(ada))
        }
    }

    /// What a call does not take would be left out of account, and more be listed or ended than was meant.
    @Test func unknownParametersAreRefused() async throws {
        try await withServer { server in
            try await server.addUser("root", role: .admin)
            try await server.environment.openShard()
            let root = try await server.logIn("root")
            for (method, path, words) in [
                ("GET", "/v1/coupons?page=2&per_page=50", "no parameter 'page': it takes 'limit', and 'after', which is"),
                ("GET", "/v1/coupons?limit=2&offset=4", "no parameter 'offset'"),
                ("GET", "/v1/coupons?limit=2&limit=3", "The parameter 'limit' is given twice"),
                ("GET", "/v1/me/redemptions?per_page=5", "no parameter 'per_page'"),
                ("GET", "/v1/auth/sessions?page=1", "no parameter 'page': it takes none"),
                ("GET", "/v1/admin/users/root/sessions?page=1", "no parameter 'page'"),
                ("DELETE", "/v1/admin/users/root/sessions?except=current", "no parameter 'except'"),
                ("DELETE", "/v1/admin/sessions?issued_before=2030-06-01T10:00:00Z&user=ada", "no parameter 'user'"),
            ] {
                let answer = try await server.request(method, path, token: root.access)
                #expect(answer.status == 400, "\(path): \(answer.body)")
                #expect(answer.code == "invalid_parameter", "\(path): \(answer.body)")
                #expect(answer.body.contains(words), "\(path): \(answer.body)")
            }
            #expect(try await server.request("GET", "/v1/coupons?limit=2&after=a", token: root.access).status == 200)
            #expect(try await server.isAlive(root))
        }
    }

    @Test func anOperatorListsAndEndsAUsersSessions() async throws {
        try await withServer { server in
            try await server.addUser("root", role: .admin)
            let ada = try await server.addUser("ada")
            try await server.addUser("ben")
            try await server.environment.openShard()
            let root = try await server.logIn("root")
            let logins = [try await server.logIn("ada"), try await server.logIn("ada"), try await server.logIn("ada")]
            let ben = try await server.logIn("ben")
            let path = "/v1/admin/users/ada/sessions"

            let list = try await server.request("GET", path, token: root.access)
            let sessions = try #require(try list.object["sessions"] as? [[String: Any]])
            #expect(sessions.map { $0["id"] as? String } == logins.reversed().map(\.session))

            // One, which must be that user's.
            for id in [ben.session, "x"] {
                #expect(try await server.request("DELETE", "\(path)/\(id)", token: root.access).code == "session_not_found")
            }
            #expect(try await server.request("DELETE", "\(path)/\(logins[0].session)", token: root.access).status == 204)
            #expect(try await server.isAlive(logins[0]) == false)
            #expect(try await server.isAlive(logins[1]))

            // All, which is in the control log too.
            let all = try await server.request("DELETE", path, token: root.access)
            #expect(all.status == 204)
            for login in logins { #expect(try await server.isAlive(login) == false) }
            for login in [ben, root] { #expect(try await server.isAlive(login)) }
            let changes = try await server.environment.postgres.withConnection {
                try $0.controlEntries(after: 0, limit: 9).compactMap(\.entry)
            }
            #expect(changes.map(\.change) == [.userSessionsRevoked(ada, below: 2)])
            _ = try await server.logIn("ada")

            for (method, path) in [("GET", "/v1/admin/users/zoe/sessions"), ("DELETE", "/v1/admin/users/zoe/sessions")] {
                #expect(try await server.request(method, path, token: root.access).code == "user_not_found")
            }
        }
    }

    /// Names with characters that clients encode, or do not.
    @Test func usernamesAreDecoded() async throws {
        try await withServer { server in
            try await server.addUser("root", role: .admin)
            try await server.addUser("a@b+c")
            try await server.environment.openShard()
            let root = try await server.logIn("root")
            for name in ["a@b+c", "a%40b%2Bc", "a%40b+c", "%61@b+c"] {
                #expect(try await server.request("GET", "/v1/admin/users/\(name)/sessions", token: root.access).status == 200)
            }
            for name in ["a%40b%20c", "a%", "a%4", "a%zz", "%ff", "a%00"] {
                let response = try await server.request("GET", "/v1/admin/users/\(name)/sessions", token: root.access)
                #expect(response.code == "user_not_found")
            }
        }
    }

    /// What Postgres has will happen, so it is not "nothing was changed".
    @Test func aRedisThatIsGoneLeavesTheOutcomeOpen() async throws {
        try await withServer(commandDeadline: .seconds(1)) { server in
            try await server.addUser("root", role: .admin)
            try await server.addUser("ada")
            try await server.environment.openShard()
            let root = try await server.logIn("root")
            let path = "/v1/admin/users/ada/sessions"
            try await server.withClient { client in
                // The caller is looked up while Redis is there, and it is gone for what follows the commit.
                let postgres = server.environment.postgres
                let lock = Task {
                    try await postgres.withConnection { connection in
                        try connection.transaction {
                            try connection.execute("update users set name = 'x' where username = 'ada'")
                            let limit = ContinuousClock.now + .seconds(10)
                            while try connection.countLocks("not granted") == 0, ContinuousClock.now < limit {}
                            server.environment.redis.suspend()
                        }
                    }
                }
                try await until("the row is locked") {
                    try await postgres.withConnection { try $0.countLocks("locktype = 'transactionid'") } > 0
                }
                let response = try await client.request("DELETE", path, token: root.access)
                try await lock.value
                server.environment.redis.resume()
                #expect(response.status == 503)
                #expect(response.code == "outcome_unknown")
            }
            let changes = try await server.environment.postgres.withConnection {
                try $0.controlEntries(after: 0, limit: 9).compactMap(\.entry)
            }
            #expect(changes.count == 1)
        }
    }

    @Test func everybodysSessionsThatBeganBeforeAMoment() async throws {
        try await withServer { server in
            try await server.addUser("root", role: .admin)
            try await server.addUser("ada")
            try await server.environment.openShard()
            let root = try await server.logIn("root")
            let ada = try await server.logIn("ada")
            let key = Keys(Shard(index: 0)).session(try #require(SessionID(ada.session)))
            _ = try await server.environment.redisClient.send(["HSET", key, "created", "1577836799999"])
            let path = "/v1/admin/sessions"
            for query in [
                "", "?issued_before=", "?issued_before=yesterday", "?issued_before=0000-01-01T00:00:00Z",
                "?issued_before=1969-12-31T23:59:59Z", "?issued_before=2999-01-01T00:00:00Z", "?issued_before=7",
            ] {
                let response = try await server.request("DELETE", path + query, token: root.access)
                #expect(response.status == 400)
                #expect(response.code == "invalid_parameter")
            }
            let response = try await server.request("DELETE", path + "?issued_before=2020-01-01T00:00:00Z", token: root.access)
            #expect(response.status == 204)
            #expect(try await server.isAlive(ada) == false)
            #expect(try await server.isAlive(root))
        }
    }
}
