import Domain
import HotPath
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Credentials
@testable import Server

@Suite struct LoginAPITests {
    private static func slow(_ configuration: inout ServerConfiguration) {
        configuration.loginsPerUsername = LoginRate(burst: 3, interval: .seconds(600))
        configuration.loginsPerAddress = LoginRate(burst: 6, interval: .seconds(900))
    }

    @Test func failedLoginsOfANameAreThrottled() async throws {
        try await withServer(Self.slow) { server in
            try await server.addUser("ada")
            try await server.addUser("ben")
            try await server.environment.openShard()
            let before = try await server.logIn("ada")
            // What succeeds does not count.
            for _ in 0..<5 { _ = try await server.logIn("ada") }
            for remaining in [2, 1, 0] {
                let wrong = try await server.tryLogIn("ada", password: "wrong horse")
                #expect(wrong.status == 401)
                #expect(wrong.headers["ratelimit-policy"] == "\"username\";q=3;w=1800, \"address\";q=6;w=5400")
                #expect(wrong.headers["ratelimit"]?.hasPrefix("\"username\";r=\(remaining);t=") == true)
                #expect(wrong.headers["retry-after"] == nil)
            }
            // The right password too, and with no more work than a look at the count.
            for password in ["wrong horse", RunningServer.password] {
                let limited = try await server.tryLogIn("ada", password: password)
                #expect(limited.status == 429)
                #expect(limited.code == "too_many_logins")
                #expect(limited.headers["retry-after"].flatMap { Int($0) }.map { (590...600).contains($0) } == true)
                #expect(limited.headers["ratelimit"]?.contains("\"address\";r=3;") == true)
            }
            // Nobody is locked out of sessions that exist, and others can log in.
            #expect(try await server.isAlive(before))
            #expect(try await server.refresh(before.refresh).status == 200)
            _ = try await server.logIn("ben")
            let metrics = try await server.request("GET", "/metrics", ops: true).body
            #expect(metrics.contains("redeem_logins_total{outcome=\"throttled\"} 2\n"))
            #expect(metrics.contains("redeem_logins_total{outcome=\"refused\"} 3\n"))
        }
    }

    /// A hash of what was typed before passwords had one normal form is replaced by the login that it still lets in.
    @Test func anOldHashOfAnotherFormIsReplaced() async throws {
        try await withServer { server in
            let id = try await server.addUser("ada")
            try await server.environment.openShard()
            let (one, two) = ("caf\u{E9}-long", "cafe\u{301}-long")
            let old = try #require(PasswordHash(password: two, cost: .least)?.description)
            _ = try await server.environment.postgres.withConnection { try $0.setPasswordHash(of: id, to: old, actor: "test") }
            #expect(try await server.tryLogIn("ada", password: one).status == 401)
            #expect(try await server.tryLogIn("ada", password: two).status == 200)
            #expect(try await server.tryLogIn("ada", password: one).status == 200)
            #expect(try await server.tryLogIn("ada", password: two).status == 200)
            #expect(try await server.tryLogIn("nobody", password: two).status == 401)
        }
    }

    /// A name that does not exist is throttled like one that does.
    @Test func namesThatDoNotExistAreThrottledAlike() async throws {
        try await withServer(Self.slow) { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            var answers: [[String]] = []
            for name in ["ada", "nobody"] {
                answers.append([])
                for _ in 0..<3 {
                    let answer = try await server.tryLogIn(name, password: "wrong horse", headers: ["X-Request-Id: r"])
                    answers[answers.count - 1].append("\(answer.status) \(answer.body)")
                }
            }
            #expect(answers[0] == answers[1])
            #expect(try await server.tryLogIn("nobody", password: "x").status == 429)
        }
    }

    @Test func failedLoginsFromAnAddressAreThrottled() async throws {
        try await withServer {
            Self.slow(&$0)
            $0.trustedProxies = TrustedProxies("127.0.0.0/8")!
        } _: { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            func tryFrom(_ address: String, _ name: String) async throws -> TestResponse {
                try await server.tryLogIn(name, password: "wrong horse", headers: ["X-Forwarded-For: \(address)"])
            }
            for number in 0..<6 { #expect(try await tryFrom("2001:db8::\(number)", "user\(number)").status == 401) }
            // The whole network of 64 bits counts as one.
            let limited = try await tryFrom("2001:db8::ffff", "user9")
            #expect(limited.code == "too_many_logins")
            #expect(limited.headers["retry-after"].flatMap { Int($0) }.map { (890...900).contains($0) } == true)
            #expect(try await tryFrom("2001:db8:0:1::1", "user9").status == 401)
            #expect(try await tryFrom("192.0.2.1", "user9").status == 401)
            let login = try TestLogin(try await server.tryLogIn("ada", headers: ["X-Forwarded-For: 192.0.2.7"]))
            let list = try await server.request("GET", "/v1/auth/sessions", token: login.access)
            #expect(list.body.contains("\"address\":\"192.0.2.7\""))
        }
    }

    /// A login whose password nobody looked at is no failed one.
    @Test func whatIsOverloadedDoesNotCount() async throws {
        try await withServer {
            $0.loginsPerUsername = LoginRate(burst: 2, interval: .seconds(600))
            $0.passwords.threads = 1
            $0.passwords.waiting = 0
            $0.passwords.cost = ScryptCost(logarithm: 15, blockSize: 8, parallelism: 1)
        } _: { server in
            try await server.addUser("ada", cost: ScryptCost(logarithm: 15, blockSize: 8, parallelism: 1))
            try await server.environment.openShard()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let response = try await server.tryLogIn("user\(number)", password: "wrong horse")
                        if response.status == 503 { #expect(response.headers["retry-after"] != nil) }
                        return response.status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(statuses).isSubset(of: [401, 503]))
            #expect(statuses.contains(503))
            let left = try await server.environment.redisClient.send(["KEYS", "{s0}:logins:username:*"]).array?.count
            #expect(left == statuses.filter { $0 == 401 }.count)
        }
    }

    /// One client with good passwords cannot take all the threads.
    @Test func aShareOfTheThreadsForEachAddress() async throws {
        let cost = ScryptCost(logarithm: 16, blockSize: 8, parallelism: 1)
        try await withServer {
            $0.passwords.cost = cost
            $0.limits.loginsAtOncePerAddress = 2
            $0.trustedProxies = TrustedProxies("127.0.0.0/8")!
        } _: { server in
            try await server.addUser("ada", cost: cost)
            try await server.addUser("eve", cost: cost)
            try await server.environment.openShard()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask { try await server.tryLogIn("eve", headers: ["X-Forwarded-For: 192.0.2.66"]).status }
                }
                let victim = try await server.tryLogIn("ada", headers: ["X-Forwarded-For: 192.0.2.1"])
                #expect(victim.status == 200)
                let statuses = try await group.reduce(into: []) { $0.append($1) }
                #expect(Set(statuses) == [200, 503])
            }
        }
    }

    /// A login of an older cost leaves a hash of today's, and the password stays what it was.
    @Test func theHashIsRenewedAtLogin() async throws {
        let cost = ScryptCost(logarithm: 5, blockSize: 8, parallelism: 1)
        try await withServer {
            $0.passwords.cost = cost
        } _: { server in
            try await server.addUser("ada")
            try await server.environment.openShard()
            func stored() async throws -> String? {
                try await server.environment.postgres.withConnection { try $0.credentials(of: "ada")?.passwordHash }
            }
            let before = try await stored()
            #expect(before?.hasPrefix("$scrypt$ln=4,") == true)
            #expect(try await server.tryLogIn("ada", password: "wrong horse").status == 401)
            #expect(try await stored() == before)
            let login = try await server.logIn("ada")
            let renewed = try await stored()
            #expect(renewed?.hasPrefix("$scrypt$ln=5,") == true)
            _ = try await server.logIn("ada")
            #expect(try await stored() == renewed)
            #expect(try await server.isAlive(login))
        }
    }

    /// Who moved in from a Flask service logs in with the old password, and is one of ours from then on.
    @Test(arguments: [WerkzeugHashes.scrypt, WerkzeugHashes.pbkdf2])
    func aHashOfAnotherKindIsRenewedAtLogin(example: WerkzeugHashes.Example) async throws {
        try await withServer { server in
            let id = UserID(uuid: UUIDv7(milliseconds: 1))
            let user = NewUser(id: id, username: "ada", name: "Ada", role: .user, passwordHash: example.stored, credit: 0)
            _ = try await server.environment.postgres.withConnection { try $0.createUser(user, actor: "test") }
            try await server.environment.openShard()
            #expect(try await server.tryLogIn("ada", password: "wrong horse").status == 401)
            for _ in 0..<2 {
                let login = try TestLogin(try await server.tryLogIn("ada", password: example.password))
                #expect(try await server.isAlive(login))
                let stored = try await server.environment.postgres.withConnection { try $0.credentials(of: "ada") }
                #expect(stored?.passwordHash.hasPrefix("$scrypt$ln=4,") == true)
                #expect(stored?.version == 1)
            }
        }
    }

    /// The password is changed while logins with the old one are being checked: none of their sessions outlives that.
    @Test func aLoginDoesNotOutliveAChangeOfPassword() async throws {
        try await withServer {
            $0.limits.loginsAtOncePerAddress = 20
        } _: { server in
            let ada = try await server.addUser("ada")
            try await server.environment.openShard()
            let sessions = server.environment.hotPath.sessions
            for round in 0..<10 {
                let hash = try #require(PasswordHash(password: RunningServer.password, cost: .least)?.description)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            let response = try await server.tryLogIn("ada")
                            #expect([200, 401].contains(response.status))
                        }
                    }
                    group.addTask {
                        let version = try await server.environment.postgres.withConnection {
                            try $0.setPasswordHash(of: ada, to: hash, actor: "test")
                        }
                        try await sessions.end(SessionRevocations([.userSessionsRevoked(ada, below: try #require(version))]))
                    }
                    try await group.waitForAll()
                }
                let key = Keys(Shard(index: 0))
                for session in try await sessions.list(of: ada) {
                    let version = try await server.environment.redisClient.send(["HGET", key.session(session.id), "version"])
                    #expect(version.string == "\(round + 2)")
                }
            }
        }
    }
}
