import Foundation
import NIOHTTP1
import Testing
import TestSupport

/// The promises under load, through the processes that a company would run: serve, sync, seed, reconcile.
@Suite(.serialized) struct FlashSaleTests {
    @Test func twoThousandUsersRaceForFiveHundred() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 2_000, stock: 500)

            let answers = try await API.with(server.api, connections: 64) { api in
                try await concurrently(64, tokens) { try await api.redeem(token: $0).status }
            }
            #expect(answers.count(where: { $0 == 201 }) == 500)
            #expect(answers.count(where: { $0 == 409 }) == 1_500)

            try await product.settled()
            let coupon = try await product.run("coupon", "show", "sale", "--json")
            #expect(coupon.contains(#""redeemed" : 500"#))
            try await API.with(server.api) { api in
                let sale = try await api.send(.GET, "/v1/coupons/sale", token: tokens[0])
                #expect(sale["left"] as? Int == 0)
                var charged = 0
                for (token, status) in zip(tokens, answers).prefix(200) {
                    let me = try await api.send(.GET, "/v1/me", token: token)
                    let credit = me["credit"] as? [String: Any]
                    #expect(credit?["available"] as? Int == (status == 201 ? 90 : 100))
                    #expect(credit?["held"] as? Int == 0)
                    charged += status == 201 ? 1 : 0
                }
                #expect(charged == answers.prefix(200).count(where: { $0 == 201 }))
            }
            #expect(await server.process.stop() == 0)
            #expect(await sync.stop() == 0)
        }
    }

    @Test func oneUserSendingManyRequestsAtOnceRedeemsOnce() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let token = try await product.seed(users: 1, stock: 50)[0]
            let codes = try await API.with(server.api, connections: 100) { api in
                try await concurrently(100, Array(0..<100)) { _ in
                    let answer = try await api.redeem(token: token)
                    return answer.status == 201 ? "201" : answer.code ?? "none"
                }
            }
            #expect(codes.count(where: { $0 == "201" }) == 1)
            #expect(codes.count(where: { $0 == "already_redeemed" }) == 99)
            try await product.settled()
        }
    }

    @Test func theSameIdempotencyKeyGivesTheSameAnswer() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 2, stock: 50)
            try await API.with(server.api) { api in
                let first = try await api.redeem(token: tokens[0], key: "order-1")
                let again = try await api.redeem(token: tokens[0], key: "order-1")
                #expect(first.status == 201)
                #expect(again.status == 201)
                #expect(again.body == first.body)
                #expect(first.headers["Idempotent-Replayed"].isEmpty)
                #expect(again.headers["Idempotent-Replayed"] == ["true"])
                #expect(try await api.redeem(token: tokens[0], key: "order-2").code == "already_redeemed")
                #expect(try await api.redeem(token: tokens[1], key: "order-1").status == 201)
            }
            try await product.settled()
        }
    }

    /// Landing goes on where it stopped, and a shard rebuilt from Postgres knows who has redeemed what.
    @Test func nothingIsMissingOrTwiceAfterSyncStopsAndRedisIsEmptied() async throws {
        try await Product.with { product in
            var sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 300, stock: 1_000)
            let password = "correct-horse"
            try await product.run("user", "create", "jo", "--password-stdin", "--credit", "100", input: password + "\n")
            try await API.with(server.api, connections: 16) { api in
                #expect(try await api.redeem(token: try await api.login("jo", password), key: "jo-1").status == 201)
                _ = try await concurrently(16, Array(tokens[..<100])) { try await api.redeem(token: $0).status }
                sync.signal(SIGKILL)
                #expect(await sync.exitStatus() != 0)
                let meanwhile = try await concurrently(16, Array(tokens[100..<200])) { try await api.redeem(token: $0).status }
                #expect(meanwhile.allSatisfy { $0 == 201 })
                sync = product.start("sync")
                _ = try await sync.logged("the shard is open")
                let afterwards = try await concurrently(16, Array(tokens[200...])) { try await api.redeem(token: $0).status }
                #expect(afterwards.allSatisfy { $0 == 201 })
            }
            try await product.settled()
            #expect(try await product.run("coupon", "show", "sale", "--json").contains(#""redeemed" : 301"#))

            #expect(await sync.stop() == 0)
            try await product.emptyRedis()
            sync = product.start("sync")
            _ = try await sync.logged("the shard is rebuilt")
            _ = try await sync.logged("the shard is open")
            try await API.with(server.api) { api in
                #expect(try await api.redeem(token: tokens[0]).code == "session_revoked")
                let token = try await api.login("jo", password)
                #expect(try await api.redeem(token: token).code == "already_redeemed")
                let replayed = try await api.redeem(token: token, key: "jo-1")
                #expect(replayed.status == 201)
                #expect(replayed.headers["Idempotent-Replayed"] == ["true"])
                let me = try await api.send(.GET, "/v1/me", token: token)
                #expect((me["credit"] as? [String: Any])?["available"] as? Int == 90)
                #expect(try await api.send(.GET, "/v1/coupons/sale", token: token)["left"] as? Int == 699)
            }
            try await product.settled()
        }
    }

    @Test func twoWorkersHaveOneOwner() async throws {
        try await Product.with { product in
            let first = product.start("sync")
            _ = try await first.logged("the shard is open")
            let second = product.start("sync")
            _ = try await second.logged("another worker owns the shard; waiting")
            #expect(!second.output.contains("owns the shard\n"))
            first.signal(SIGKILL)
            _ = try await second.logged("the shard is open")
            #expect(await second.stop() == 0)
        }
    }

    /// A stopped owner loses its lock to one that runs, and cannot write when it goes on.
    @Test func aStoppedOwnerIsReplaced() async throws {
        try await Product.with { product in
            let impatient = ["REDEEM_SYNC_OWNER_SILENCE_MS": "2000"]
            let first = product.start(["sync"], impatient)
            _ = try await first.logged("the shard is open")
            let second = product.start(["sync"], impatient)
            _ = try await second.logged("another worker owns the shard; waiting")
            first.signal(SIGSTOP)
            _ = try await second.logged("the shard is open")
            let server = try await product.serve()
            let tokens = try await product.seed(users: 20, stock: 100)
            first.signal(SIGCONT)
            let answers = try await API.with(server.api) { api in
                try await concurrently(4, tokens) { try await api.redeem(token: $0).status }
            }
            #expect(answers.allSatisfy { $0 == 201 })
            _ = try await first.logged("the owner's loop failed; it starts again")
            try await product.settled()
        }
    }

    @Test func reconcileFindsARowThatIsMissing() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 5, stock: 10)
            let statuses = try await API.with(server.api) { api in
                try await concurrently(2, tokens) { try await api.redeem(token: $0).status }
            }
            try #require(statuses == Array(repeating: 201, count: 5))
            try await product.settled()
            try await product.deleteOneRedemption()
            let drifted = await redeem("reconcile", environment: product.environment)
            #expect(drifted.status == 1)
            #expect(drifted.output.contains("DRIFT  1."))
            #expect(drifted.output.contains("DRIFT  4."))
            #expect(drifted.output.contains("DRIFT  5."))
        }
    }
}
