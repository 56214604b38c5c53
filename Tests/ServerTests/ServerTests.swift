import Domain
import Foundation
import HotPath
import LocalStack
import Logging
import NIOCore
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import ServiceLifecycle
import TestSupport
import Testing

@testable import Server

@Suite struct ServerTests {
    @Test func coupons() async throws {
        try await withServer { server in
            for id in ["a", "b", "c"] {
                try await server.addCoupon(id, code: id, total: 5, endsAt: Timestamp(milliseconds: 4_000_000_000_000))
            }
            let closed = try await server.request("GET", "/v1/coupons/a").object
            #expect(closed["left"] is NSNull)
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            #expect(try await server.redeem("b", token: token, code: "b").status == 201)
            let shown = try await server.request("GET", "/v1/coupons/b")
            #expect(
                shown.body
                    == #"{"ends_at":"2096-10-02T07:06:40.000Z","id":"b","left":4,"name":"The \"b\"","price":10,"#
                    + #""starts_at":null,"state":"active","total":5}"#
            )
            let first = try await server.request("GET", "/v1/coupons?limit=2").object
            #expect((first["coupons"] as? [[String: Any]])?.map { $0["left"] as? Int } == [5, 4])
            #expect(first["next"] as? String == "b")
            let last = try await server.request("GET", "/v1/coupons?limit=2&after=b").object
            #expect((last["coupons"] as? [[String: Any]])?.map { $0["id"] as? String } == ["c"])
            #expect(last["next"] is NSNull)
            for query in ["limit=0", "limit=201", "limit=x", "after=%20", "after=A"] {
                let response = try await server.request("GET", "/v1/coupons?\(query)")
                #expect(response.status == 400)
                #expect(response.code == "invalid_parameter")
            }
            #expect(try await server.request("GET", "/v1/coupons/nope").code == "coupon_not_found")
            #expect(try await server.request("GET", "/v1/coupons/NOPE!").code == "coupon_not_found")
        }
    }

    @Test func whatIsNotThere() async throws {
        try await withServer { server in
            for path in ["/", "/v1", "/v1/nope", "/v1/coupons/a/b", "/v2/me", "/metrics", "/problems/nope"] {
                let response = try await server.request("GET", path, headers: ["X-Request-Id: mine"])
                #expect(response.status == 404, "\(path)")
                #expect(response.code == "not_found")
                #expect(response.headers["content-type"] == "application/problem+json")
                #expect(response.headers["x-request-id"] == "mine")
                #expect(try response.object["request_id"] as? String == "mine")
            }
            for (method, path, allow) in [
                ("DELETE", "/v1/me", "GET, HEAD"), ("GET", "/v1/auth/login", "POST"), ("PUT", "/v1/redemptions", "POST"),
                ("GET", "/v1/coupons/tea/redemptions", "POST"), ("POST", "/v1/coupons/tea", "GET, HEAD"),
                ("OPTIONS", "/livez", "GET, HEAD"), ("BREW", "/v1/coupons", "GET, HEAD"),
            ] {
                let response = try await server.request(method, path)
                #expect(method == "BREW" || response.status == 405, "\(method) \(path)")
                if response.status == 405 {
                    #expect(response.code == "method_not_allowed")
                    #expect(response.headers["allow"] == allow)
                }
            }
            let made = try await server.request("GET", "/", headers: ["X-Request-Id: not ok"]).headers["x-request-id"]
            #expect(made.map { RequestID.isAcceptable($0) } == true)
            let explained = try await server.request("GET", "/problems/sold_out").object
            #expect(explained["status"] as? Int == 409)
        }
    }

    /// Requests that HTTP allows and this service has no use for: each is answered, and none stalls the connection.
    @Test func strangeRequests() async throws {
        try await withServer { server in
            for line in [
                "OPTIONS *", "CONNECT example.org:443", "GET http://example.org/livez", "GET //livez", "GET /livez?", "GET ?",
            ] {
                let text = try await server.withClient { client in
                    try await client.send("\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return try await client.rest()
                }
                let responses = TestResponse.parse(text)
                #expect(responses.count == 1, "\(line): \(text)")
                #expect(responses.first?.headers["x-request-id"] != nil, "\(line): \(text)")
            }
            for field in [
                "Host: ", "Content-Length: 0", "Transfer-Encoding: chunked, identity", "Upgrade: websocket", "TE: trailers",
            ] {
                let host = field.hasPrefix("Host") ? "" : "Host: x\r\n"
                let text = try await server.withClient { client in
                    try await client.send("GET /livez HTTP/1.1\r\n\(host)\(field)\r\nConnection: close\r\n\r\n")
                    return try await client.rest()
                }
                #expect(TestResponse.parse(text).count == 1, "\(field): \(text)")
            }
        }
    }

    @Test func oneConnectionForAllKinds() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            try await server.withClient { client in
                let redemption = TestClient.text(
                    "POST",
                    "/v1/coupons/tea/redemptions",
                    token: token,
                    json: "{\"code\":\"\(RunningServer.code)\"}"
                )
                let requests = [
                    redemption, TestClient.text("GET", "/v1/me", token: token), TestClient.text("GET", "/nope"), redemption,
                    redemption, TestClient.text("GET", "/livez"),
                ]
                try await client.send(requests.joined())
                var statuses: [Int] = []
                for _ in requests { statuses.append(try await client.response().status) }
                #expect(statuses == [201, 200, 404, 409, 409, 200])
                // Byte by byte, and then no more from the client.
                for byte in redemption { try await client.send(String(byte)) }
                try await client.finish()
                let rest = try await client.rest()
                #expect(TestResponse.parse(rest).map(\.status) == [409])
            }
        }
    }

    @Test func requestsThatAreTooMuch() async throws {
        try await withServer { server in
            let long = "{\"code\":\"\(String(repeating: "A", count: 10_000))\"}"
            for path in ["/v1/coupons/tea/redemptions", "/v1/redemptions", "/v1/auth/login"] {
                let response = try await server.request("POST", path, json: long)
                #expect(response.status == 413)
                #expect(response.code == "body_too_large")
            }
            let many = try await server.request("GET", "/livez", headers: (0..<101).map { "X-\($0): y" })
            #expect(many.status == 431)
            let large = try await server.request("GET", "/livez", headers: ["X: " + String(repeating: "y", count: 20_000)])
            #expect(large.status == 431)
            // All of a large body is taken from a client that sends it before it reads.
            try await server.withClient { client in
                try await client.send("POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
                let chunk = String(repeating: "x", count: 100_000)
                for _ in 0..<5 { try? await client.send(chunk) }
                #expect(try await client.response().status == 413)
            }
            try await server.withClient { client in
                try await client.send("GET /livez HTTP/1.0\r\n\r\n")
                #expect(TestResponse.parse(try await client.rest()).map(\.status) == [200])
            }
            try await server.withClient { client in
                try await client.send("nonsense\r\n\r\n")
                let rest = try await client.rest()
                #expect(TestResponse.parse(rest).map(\.code) == ["malformed_request"])
            }
            #expect(try await server.request("GET", "/livez").status == 200)
        }
    }

    @Test func readiness() async throws {
        try await withServer { configuration in
            configuration.limits.statusAge = .milliseconds(1)
            configuration.limits.probeTimeout = .seconds(20)
        } _: { server in
            #expect(try await server.request("GET", "/livez").status == 200)
            #expect(try await server.request("GET", "/livez", ops: true).status == 200)
            let closed = try await server.request("GET", "/readyz", ops: true)
            #expect(closed.status == 503)
            #expect(closed.code == "not_ready")
            #expect(try closed.object["detail"] as? String == "shard s0: closed: its owner has not opened it")

            try await server.environment.openShard()
            #expect(try await server.request("GET", "/readyz").body == #"{"status":"ready"}"#)
            let verbose = try await server.request("GET", "/readyz?verbose", ops: true).object
            let names = (verbose["checks"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            #expect(names == ["process", "durability", "shard s0", "postgres"])
            let metrics = try await server.request("GET", "/metrics", ops: true)
            #expect(metrics.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(metrics.body.contains("redeem_shard_open{shard=\"s0\"} 1\n"))
            #expect(metrics.body.contains("redeem_outbox_length{shard=\"s0\"} 0\n"))
            #expect(metrics.body.contains("redeem_http_request_duration_seconds_count{route=\"GET /livez\"} 2\n"))

            await server.environment.redis.stop()
            let gone = try await server.request("GET", "/readyz")
            #expect(gone.status == 503)
            #expect(try (gone.object["detail"] as? String)?.hasPrefix("shard s0: Redis does not answer") == true)
            #expect(try await server.request("GET", "/livez").status == 200)
        }
    }

    /// What was begun is answered; anyone who asks meanwhile hears that this server is going.
    @Test func shutdown() async throws {
        try await withServer { configuration in
            configuration.shutdownDelay = .milliseconds(300)
        } _: { server in
            try await server.environment.openShard()
            try await server.withClient { client in
                let body = #"{"username":"ada","password":"x"}"#
                let text = TestClient.text("POST", "/v1/auth/login", json: body)
                try await client.send(String(text.dropLast(5)))
                await server.group.triggerGracefulShutdown()
                var reason: String?
                try await until("it is said") {
                    let probe = try await server.request("GET", "/readyz", ops: true)
                    if probe.status == 503 { reason = try probe.object["detail"] as? String }
                    return reason != nil
                }
                #expect(reason == "process: shutting down")
                try await client.send(String(text.suffix(5)))
                #expect(try await client.response().code == "invalid_credentials")
            }
        }
    }
}

@Suite struct DurabilityTests {
    @Test func aConfigurationThatMayNotBeReadIsNamed() async throws {
        try await withTestEnvironment { environment in
            let acl = ["ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-config"]
            _ = try await environment.redisClient.send(acl)
            let url = "redis://limited:secret@127.0.0.1:\(environment.redis.port)"
            let client = RedisClient(
                configuration: try .forTests(url),
                eventLoopGroup: environment.eventLoopGroup,
                logger: testLogger(level: .critical)
            )
            try await client.connect()
            let durability = DurabilityGuard(
                mode: .local,
                hotPath: HotPath(client: client),
                postgres: environment.postgres,
                limits: ServerLimits(),
                logger: testLogger(level: .critical)
            )
            let error = await #expect(throws: DurabilityError.self) { try await durability.checkAtStart() }
            #expect(error?.description.contains("+config|get") == true)
            #expect(!durability.holds(.relaxed))
            await client.close()
        }
    }

    /// Redis reads its append-only file with the rights of its user `default`, whatever the mode.
    @Test func nothingIsPromisedWhereARestartWouldDropWrites() async throws {
        try await withTestEnvironment { environment in
            _ = try await environment.redisClient.send(["ACL", "SETUSER", "admin", "on", ">secret", "~*", "&*", "+@all"])
            let client = RedisClient(
                configuration: try .forTests("redis://admin:secret@127.0.0.1:\(environment.redis.port)"),
                eventLoopGroup: environment.eventLoopGroup,
                logger: testLogger(level: .critical)
            )
            try await client.connect()
            let durability = DurabilityGuard(
                mode: .relaxed,
                hotPath: HotPath(client: client),
                postgres: environment.postgres,
                limits: ServerLimits(),
                logger: testLogger(level: .critical)
            )
            _ = try await client.send(["ACL", "SETUSER", "default", "reset"])
            let error = await #expect(throws: DurabilityError.self) { try await durability.checkAtStart() }
            #expect(error?.description.contains("  ACL SETUSER default off resetpass ~* &* +@all\n") == true)
            #expect(Durability.allCases.allSatisfy { !durability.holds($0) })
            _ = try await client.send(ReplayRights.command)
            try await durability.checkAtStart()
            #expect(durability.holds(.local))
            await client.close()
        }
    }

    /// A Postgres that hangs is waited for by nobody but itself.
    @Test func aPostgresThatHangsDoesNotHideWhatBecomesOfRedis() async throws {
        try await withTestEnvironment { environment in
            let silent = try await ServerBootstrap(group: environment.eventLoopGroup).bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(silent.localAddress?.port)
            let postgres = PostgresClient(
                configuration: PostgresConfiguration(url: "postgresql://user@127.0.0.1:\(port)/none"),
                logger: testLogger(level: .critical)
            )
            let durability = DurabilityGuard(
                mode: .local,
                hotPath: environment.hotPath,
                postgres: postgres,
                limits: ServerLimits(),
                logger: testLogger(level: .critical)
            )
            try await durability.checkAtStart()
            #expect(durability.holds(.local) && !durability.holds(.ledger))
            let running = Task { try await durability.run() }
            try await environment.redis.command("CONFIG", "SET", "appendfsync", "everysec")
            try await until("the server has seen it") { !durability.holds(.local) }
            #expect(durability.holds(.relaxed))
            #expect(durability.reason == "Redis has appendfsync everysec")
            try await environment.redis.command("CONFIG", "SET", "appendfsync", "always")
            try await until("the server has seen that too") { durability.holds(.local) }
            #expect(durability.reason == nil)
            try await silent.close().get()
            running.cancel()
            try await running.value
            await postgres.close()
        }
    }

    @Test func aModeThatRedisIsNotConfiguredForIsNotClaimed() async throws {
        var options = RedisOptions()
        options.appendFsync = .everysec
        let error = await #expect(throws: DurabilityError.self) {
            try await withServer(redis: options) { _ in }
        }
        #expect(error?.description.contains("CONFIG SET appendfsync always") == true)
        #expect(error?.description.contains("appendfsync everysec") == true)
        try await withServer(redis: options) { configuration in
            configuration.durability = .relaxed
        } _: { server in
            let alive = try await server.request("GET", "/livez")
            #expect(alive.status == 200)
        }
    }

    @Test(arguments: [
        (Durability.local, ["appendonly": "yes", "appendfsync": "always"], ["maxmemory-policy", "no-appendfsync-on-rewrite"]),
        (.local, RedisSettings.wellKept, []),
        (.local, RedisSettings.wellKept.merging(["maxmemory-policy": "allkeys-lru"]) { $1 }, ["maxmemory-policy"]),
        (.local, RedisSettings.wellKept.merging(["no-appendfsync-on-rewrite": "yes"]) { $1 }, ["no-appendfsync-on-rewrite"]),
        (.relaxed, RedisSettings.wellKept.merging(["appendfsync": "everysec"]) { $1 }, []),
        (.relaxed, RedisSettings.wellKept.merging(["appendfsync": "no"]) { $1 }, ["appendfsync"]),
        (.relaxed, RedisSettings.wellKept.merging(["appendonly": "no"]) { $1 }, ["appendonly"]),
    ])
    func settings(mode: Durability, values: [String: String], faults: [String]) {
        #expect(RedisSettings(values: values).faults(of: mode).map(\.name).sorted() == faults.sorted())
    }
}

extension RedisSettings {
    fileprivate static let wellKept = [
        "appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction",
    ]
}
