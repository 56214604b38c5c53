import Credentials
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

@Suite struct RedemptionAPITests {
    @Test func aRedemptionAndItsReplay() async throws {
        try await withServer { server in
            try await server.addCoupon("tea", price: 30)
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)

            // The user is not in Redis yet: the server fetches it.
            let first = try await server.redeem("tea", token: token, key: "k1")
            #expect(first.status == 201)
            let object = try first.object
            #expect(object["coupon"] as? String == "tea")
            #expect(object["price"] as? Int == 30)
            #expect(object["status"] as? String == "held")
            #expect(object["durability"] as? String == "local")
            let id = try #require(object["id"] as? String)
            #expect(first.headers["location"] == "/v1/redemptions/\(id)")
            #expect(first.headers["date"] != nil)

            let replay = try await server.redeem("tea", token: token, key: "k1")
            #expect(replay.status == 201)
            #expect(replay.body == first.body)
            #expect(replay.headers["idempotent-replayed"] == "true")
            #expect(first.headers["idempotent-replayed"] == nil)

            let second = try await server.redeem("tea", token: token, key: "k2")
            #expect(second.status == 409)
            #expect(second.code == "already_redeemed")
            #expect(try second.object["redemption"] as? String == id)
            #expect(try await server.redeem("tea", token: token).code == "already_redeemed")

            // By its code alone, with the same answers.
            let json = "{\"code\":\"\(RunningServer.code)\"}"
            let headers = ["Idempotency-Key: k1"]
            let byCode = try await server.request("POST", "/v1/redemptions", token: token, headers: headers, json: json)
            #expect(byCode.status == 201)
            #expect(byCode.body == first.body)
            #expect(byCode.headers["idempotent-replayed"] == "true")
            #expect(byCode.headers["location"] == first.headers["location"])

            // And with the path in a form that the hot route leaves to Hummingbird.
            let encoded = try await server.redeem("t%65a", token: token, key: "k1")
            #expect(encoded.status == 404)
            let absolute = try await server.request(
                "POST",
                "http://localhost/v1/coupons/tea/redemptions",
                token: token,
                headers: headers,
                json: json
            )
            #expect(absolute.body == first.body)
        }
    }

    @Test func eachRefusal() async throws {
        let now = Timestamp.now().milliseconds
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.addCoupon("gone", code: "GONE", total: 1)
            try await server.addCoupon("dear", code: "DEAR", price: 1000)
            try await server.addCoupon("soon", code: "SOON", startsAt: Timestamp(milliseconds: now + 3_600_000))
            try await server.addCoupon("over", code: "OVER", endsAt: Timestamp(milliseconds: now - 1000))
            try await server.addCoupon("rest", code: "REST", state: .paused)
            let ada = try await server.addUser("ada")
            let bob = try await server.addUser("bob")
            try await server.environment.openShard()
            let token = try await server.token(of: ada)
            #expect(try await server.redeem("gone", token: server.token(of: bob), code: "GONE").status == 201)

            let expected = [
                ("gone", "GONE", 409, "sold_out"), ("dear", "DEAR", 402, "insufficient_credit"),
                ("soon", "SOON", 409, "coupon_not_started"), ("over", "OVER", 410, "coupon_ended"),
                ("rest", "REST", 409, "coupon_paused"), ("nope", "NOPE", 404, "coupon_not_found"),
                ("tea", "wrong", 422, "wrong_code"),
            ]
            for (coupon, code, status, problem) in expected {
                let response = try await server.redeem(coupon, token: token, code: code)
                #expect(response.status == status, "\(coupon)")
                #expect(response.code == problem)
                #expect(response.headers["content-type"] == "application/problem+json")
                #expect(try response.object["request_id"] as? String == response.headers["x-request-id"])
            }
            // By code the same, but for those that would tell that there is such a coupon: there is none with this code.
            for (_, code, status, problem) in expected where code != "NOPE" {
                let json = "{\"code\":\"\(code)\"}"
                let response = try await server.request("POST", "/v1/redemptions", token: token, json: json)
                #expect(response.status == status)
                #expect(response.code == problem)
            }
            // Both kinds of wrong try were counted: two so far.
            for _ in 0..<8 {
                let response = try await server.request("POST", "/v1/redemptions", token: token, json: #"{"code":"no such"}"#)
                #expect(response.code == "wrong_code")
            }
            let locked = try await server.redeem("tea", token: token)
            #expect(locked.status == 429)
            #expect(locked.code == "too_many_attempts")
            #expect(locked.headers["retry-after"].flatMap { Int($0) }.map { (1...600).contains($0) } == true)
        }
    }

    @Test func aClosedShardAnUnknownUserAndAnEndedSession() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            let ada = try await server.addUser("ada")
            let nobody = UserID(uuid: UUIDv7(milliseconds: 1))
            let signer = AccessTokenSigner(keys: server.configuration.tokenKeys)
            let session = SessionID(uuid: UUIDv7(milliseconds: 1))
            let ended = signer.sign(user: ada, session: session, role: .user)

            let closed = try await server.redeem("tea", token: ended)
            #expect(closed.status == 503)
            #expect(closed.code == "shard_closed")
            #expect(closed.headers["retry-after"] == "1")

            try await server.environment.openShard()
            #expect(try await server.redeem("tea", token: ended).code == "session_revoked")
            #expect(try await server.redeem("tea", token: server.token(of: nobody)).code == "token_invalid")

            let token = try await server.token(of: ada)
            #expect(try await server.redeem("tea", token: token).status == 201)

            // SCRIPT FLUSH, which a closing owner begins with; then the record, then the coupons.
            _ = try await server.environment.redisClient.send(["SCRIPT", "FLUSH"])
            #expect(try await server.redeem("tea", token: token).code == "shard_closed")
            try await server.environment.store.loadScripts()
            _ = try await server.environment.redisClient.send(["DEL", server.environment.keys.shard])
            _ = try await server.environment.redisClient.send(["DEL", server.environment.keys.coupon(CouponID("tea")!)])
            #expect(try await server.redeem("tea", token: token).code == "shard_closed")

            // A rebuild: the replay is found in what Postgres does not have, so it is redeemed again, and once.
            try await server.environment.openShard()
            #expect(try await server.redeem("tea", token: token).status == 201)
            #expect(try await server.redeem("tea", token: token).code == "already_redeemed")
        }
    }

    /// A crowd of users that nobody loaded, at once, over few connections.
    @Test func aCrowdGetsWhatThereIs() async throws {
        try await withServer { server in
            try await server.addCoupon("tea", total: 40)
            var users: [UserID] = []
            for index in 0..<100 { users.append(try await server.addUser("user\(index)")) }
            try await server.environment.openShard()
            var tokens: [String] = []
            for user in users { tokens.append(try await server.token(of: user)) }
            let outcomes = try await withThrowingTaskGroup(of: [Int].self) { group in
                for start in stride(from: 0, to: tokens.count, by: 10) {
                    let tokens = tokens[start..<start + 10]
                    group.addTask {
                        try await server.withClient { client in
                            // Pipelined, and each twice.
                            for token in tokens + tokens {
                                let json = "{\"code\":\"\(RunningServer.code)\"}"
                                let path = "/v1/coupons/tea/redemptions"
                                try await client.send(TestClient.text("POST", path, token: token, json: json))
                            }
                            var statuses: [Int] = []
                            for _ in 0..<20 { statuses.append(try await client.response().status) }
                            return statuses
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(outcomes.count { $0 == 201 } == 40)
            #expect(outcomes.count { $0 == 409 } == 160)
            #expect(try await server.environment.store.stock(of: [CouponID("tea")!]) == [CouponID("tea")!: 0])
            let metrics = try await server.request("GET", "/metrics", ops: true).body
            #expect(metrics.contains("redeem_redemptions_total{outcome=\"accepted\"} 40\n"))
            // Who got one was loaded; a user's two requests can be in two batches of the redeem script, on both sides of the load: then it
            // is loaded twice. Who came when it was known to be sold out need not have been.
            let name = "redeem_user_loads_total{outcome=\"loaded\"} "
            let loads = metrics.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) }
            #expect((40...200).contains(loads ?? 0))
        }
    }

    /// More entries than one batch lands: what of a user is among them is told as it is.
    @Test func heldAndConfirmedAreToldOfALongBacklog() async throws {
        try await withServer { server in
            let coupons = (0..<24).map { "c\($0)" }
            for coupon in coupons { try await server.addCoupon(coupon, code: coupon, price: 1) }
            let ada = try await server.addUser("ada")
            var others: [UserID] = []
            for number in 0..<60 { others.append(try await server.addUser("user-\(number)")) }
            try await server.environment.openShard()
            let token = try await server.token(of: ada)
            let (hotPath, shard) = (server.environment.hotPath, server.environment.store.shard)
            let session = SessionID(uuid: UUIDv7(milliseconds: 1))
            let snapshots = try await server.environment.postgres.withConnection { [others] in
                try $0.snapshot(of: others, shard: shard)
            }
            #expect(try await server.environment.store.loadUsers(snapshots).allSatisfy { $0 == .loaded })
            let login = NewSession(id: session, user: others[0], role: .user, version: 1, refreshDigest: "d")
            #expect(try await hotPath.sessions.create(login, SessionLimits()) == .created)

            var ids: [String] = []
            for (place, coupon) in coupons.enumerated() {
                for user in others {
                    let request = RedeemRequest(
                        user: user,
                        session: session,
                        coupon: CouponID(coupon)!,
                        codeDigest: server.digester.digest(of: coupon),
                        tail: .random()
                    )
                    guard case .accepted = try await hotPath.redeem(request) else { throw TestFailure("not accepted") }
                }
                if place.isMultiple(of: 6) {
                    let response = try await server.redeem(coupon, token: token, code: coupon)
                    ids.append(try #require(try response.object["id"] as? String))
                }
            }
            #expect(try await server.environment.store.status().outboxLength == 1_444)
            for confirmed in [0, 3, 4] {
                let credit = try await server.request("GET", "/v1/me", token: token).object["credit"] as? [String: Int]
                #expect(credit == ["available": 96, "held": 4 - confirmed])
                let list = try await server.request("GET", "/v1/me/redemptions", token: token).object["redemptions"]
                let redemptions = try #require(list as? [[String: Any]])
                #expect(redemptions.map { $0["id"] as? String } == ids.reversed())
                let statuses = ids.indices.map { $0 < confirmed ? "confirmed" : "held" }
                #expect(redemptions.map { $0["status"] as? String } == statuses.reversed())
                for (id, status) in zip(ids, statuses) {
                    let response = try await server.request("GET", "/v1/redemptions/\(id)", token: token)
                    #expect(try response.object["status"] as? String == status)
                }
                // A thousand entries.
                try await server.land()
            }
        }
    }

    @Test func redemptionsAreShownToTheirOwner() async throws {
        try await withServer { server in
            for index in 0..<5 { try await server.addCoupon("c\(index)", code: "CODE\(index)", price: index) }
            let ada = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: ada)
            let other = try await server.token(of: try await server.addUser("bob"))
            var ids: [String] = []
            for index in 0..<5 {
                let response = try await server.redeem("c\(index)", token: token, code: "CODE\(index)")
                ids.append(try #require(try response.object["id"] as? String))
                // The older two land in Postgres, the others stay in Redis.
                if index == 1 { try await server.land() }
            }
            let statuses = ["confirmed", "confirmed", "held", "held", "held"]
            for (index, id) in ids.enumerated() {
                let response = try await server.request("GET", "/v1/redemptions/\(id)", token: token)
                #expect(response.status == 200)
                #expect(try response.object["status"] as? String == statuses[index])
                #expect(try response.object["price"] as? Int == index)
                #expect(try response.object["durability"] == nil)
                #expect(try await server.request("GET", "/v1/redemptions/\(id)", token: other).code == "redemption_not_found")
            }
            for limit in [1, 2, 3, 5, 50] {
                var pages: [[String: Any]] = []
                var after: String? = ""
                while let next = after {
                    let path = "/v1/me/redemptions?limit=\(limit)\(next.isEmpty ? "" : "&after=\(next)")"
                    let object = try await server.request("GET", path, token: token).object
                    pages += try #require(object["redemptions"] as? [[String: Any]])
                    after = object["next"] as? String
                }
                #expect(pages.map { $0["id"] as? String } == ids.reversed(), "limit \(limit)")
                #expect(pages.map { $0["status"] as? String } == statuses.reversed())
            }
            let gone = RedemptionID(uuid: UUIDv7(milliseconds: 1))
            #expect(try await server.request("GET", "/v1/redemptions/\(gone)", token: token).status == 404)
            #expect(try await server.request("GET", "/v1/redemptions/x", token: token).code == "redemption_not_found")
            #expect(try await server.request("GET", "/v1/redemptions/\(ids[0])").status == 401)
        }
    }

    /// A Redis that stops answering: unknown, not failed; and the truth for anyone who asks again.
    @Test func aLostReplyIsUnknown() async throws {
        try await withServer(commandDeadline: .seconds(1)) { server in
            try await server.addCoupon("tea")
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            #expect(try await server.redeem("tea", token: token, code: "wrong").status == 422)
            server.environment.redis.suspend()
            let response = try await server.redeem("tea", token: token, key: "k")
            #expect(response.status == 503)
            #expect(response.code == "outcome_unknown")
            server.environment.redis.resume()
            try await server.environment.redisClient.connect()
            let truth = try await server.redeem("tea", token: token, key: "k")
            #expect(truth.status == 201)
            #expect(try await server.redeem("tea", token: token).code == "already_redeemed")
        }
    }

    /// Without Postgres the sale goes on for those who are in Redis.
    @Test func aPostgresThatIsGone() async throws {
        try await withServer { configuration in
            configuration.limits.statusAge = .milliseconds(1)
        } _: { server in
            try await server.addCoupon("tea")
            let ada = try await server.addUser("ada")
            let bob = try await server.addUser("bob")
            try await server.environment.openShard()
            let (adas, bobs) = (try await server.token(of: ada), try await server.token(of: bob))
            #expect(try await server.redeem("tea", token: adas, code: "wrong").status == 422)
            await server.environment.postgres.close()
            #expect(try await server.redeem("tea", token: adas).status == 201)
            let unloaded = try await server.redeem("tea", token: bobs)
            #expect(unloaded.status == 503)
            #expect(unloaded.code == "ledger_unavailable")
            #expect(try await server.request("GET", "/v1/me", token: adas).code == "ledger_unavailable")
            // A load balancer that took it for not ready would end the sale that goes on.
            #expect(try await server.request("GET", "/readyz").body == #"{"status":"ready"}"#)
            let verbose = try await server.request("GET", "/readyz?verbose").object
            let checks = try #require(verbose["checks"] as? [[String: String]])
            #expect(checks.map { $0["status"] } == ["ok", "ok", "ok", "degraded"])
            #expect(checks.last?["detail"]?.hasPrefix("Postgres does not answer: ") == true)
        }
    }

    @Test func aCodeThatNobodyHasWhileNothingIsOnSale() async throws {
        try await withServer { server in
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            let json = #"{"code":"no such"}"#
            #expect(try await server.request("POST", "/v1/redemptions", token: token, json: json).code == "wrong_code")
            #expect(try await server.request("POST", "/v1/auth/logout", token: token).status == 204)
            #expect(try await server.request("POST", "/v1/redemptions", token: token, json: json).code == "session_revoked")
        }
    }

    /// Before a sale each try of a wrong code counts as it does during one.
    @Test func codesAreNotForTryingBeforeASale() async throws {
        let start = Timestamp(milliseconds: Timestamp.now().milliseconds + 3_600_000)
        try await withServer { server in
            try await server.addCoupon("soon", code: "SOON", startsAt: start)
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            for number in 0..<10 {
                let json = "{\"code\":\"guess \(number)\"}"
                let response = try await server.request("POST", "/v1/redemptions", token: token, json: json)
                #expect(response.status == 422)
                #expect(response.code == "wrong_code")
            }
            for code in ["guess", "SOON"] {
                let json = "{\"code\":\"\(code)\"}"
                let response = try await server.request("POST", "/v1/redemptions", token: token, json: json)
                #expect(response.code == "too_many_attempts")
                #expect(try await server.redeem("soon", token: token, code: code).code == "too_many_attempts")
            }
        }
    }

    /// A code is found within `couponAge` of its coupon's creation, on a server that has looked before.
    @Test func theCodeOfANewCouponIsFound() async throws {
        try await withServer {
            $0.limits.couponAge = .milliseconds(50)
        } _: { server in
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            let json = #"{"code":"NEW"}"#
            #expect(try await server.request("POST", "/v1/redemptions", token: token, json: json).code == "wrong_code")
            try await server.addCoupon("new", code: "NEW")
            try await server.environment.openShard()
            let limit = ContinuousClock.now + .seconds(10)
            var response = try await server.request("POST", "/v1/redemptions", token: token, json: json)
            while response.code == "wrong_code", ContinuousClock.now < limit {
                response = try await server.request("POST", "/v1/redemptions", token: token, json: json)
                let (redis, keys) = (server.environment.redisClient, Keys(Shard(index: 0)))
                if try await redis.record(of: user, keys) != nil { try await redis.edit(user, keys) { $0.tries = nil } }
            }
            #expect(response.status == 201)
        }
    }

    /// With more coupons than are kept in memory the answers are the same.
    @Test func moreCodesThanAreKept() async throws {
        try await withServer {
            $0.limits.indexedCodes = 2
        } _: { server in
            for name in ["a", "b", "c"] { try await server.addCoupon(name, code: "code \(name)") }
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            for (code, status) in [("code a", 201), ("code c", 201), ("code d", 422)] {
                let json = "{\"code\":\"\(code)\"}"
                #expect(try await server.request("POST", "/v1/redemptions", token: token, json: json).status == status)
            }
        }
    }

    @Test func aRedisThatIsGoneOrFull() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            #expect(try await server.redeem("tea", token: token, code: "wrong").status == 422)
            _ = try await server.environment.redisClient.send(["CONFIG", "SET", "maxmemory", "1"])
            #expect(try await server.redeem("tea", token: token).code == "redis_unavailable")
            _ = try await server.environment.redisClient.send(["CONFIG", "SET", "maxmemory", "0"])
            #expect(try await server.redeem("tea", token: token).status == 201)
            await server.environment.redis.stop()
            let gone = try await server.redeem("tea", token: token)
            #expect(gone.status == 503)
            #expect(gone.code == "redis_unavailable")
            #expect(gone.headers["retry-after"] != nil)
            #expect(try await server.request("GET", "/v1/me", token: token).code == "redis_unavailable")
        }
    }
}

extension TestEnvironment {
    var keys: Keys { Keys(store.shard) }
}

extension RunningServer {
    /// Brings to Postgres what is in the outbox, as the shard's owner would.
    func land() async throws {
        let store = environment.store
        let entries = try await store.readOutbox(after: .zero, count: 1000, block: nil).compactMap { read -> OutboxEntry? in
            guard case .entry(let entry) = read else { return nil }
            return entry
        }
        guard let last = entries.last else { return }
        _ = try await environment.postgres.withConnection { connection in
            guard let cursor = try connection.cursor(of: store.shard) else { throw TestFailure("no cursor") }
            return try connection.land(LandingBatch(shard: store.shard, cursor: cursor, entries: entries, last: last.id))
        }
        _ = try await store.settle(last.epoch, entries: entries)
    }
}
