import Foundation
import HotPath
import LocalStack
import NIOHTTP1
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

/// What operators do when Redis and Postgres have parted, with a server and a worker beside it.
@Suite(.serialized) struct OperatorCommandTests {
    private struct Listed: Decodable {
        let id: Int
        let shard: Int
        let epoch: Int
        let redemption: String
        let username: String
        let coupon: String
        let price: Int
        let reason: String
    }

    private static let entries = #"redeem_quarantine_entries{shard="s0"}"#

    /// Five users who have each redeemed `sale`.
    private func withSale(_ body: (Product, _ api: API, _ worker: API, [String]) async throws -> Void) async throws {
        try await Product.with { product in
            let (sync, operations) = try await product.sync()
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 5, stock: 10)
            try await API.with(server.api) { api in
                let statuses = try await concurrently(2, tokens) { try await api.redeem(token: $0).status }
                try #require(statuses == Array(repeating: 201, count: 5))
                try await product.settled()
                try await API.with(operations) { try await body(product, api, $0, tokens) }
            }
        }
    }

    private func expect(
        _ product: Product,
        _ arguments: [String],
        status: Int32,
        _ words: String...,
        location: SourceLocation = #_sourceLocation
    ) async {
        let report = await redeem(arguments, environment: product.environment)
        #expect(report.status == status, "\(arguments): \(report.output)", sourceLocation: location)
        for text in words {
            #expect(report.output.contains(text), "\(arguments): \(report.output)", sourceLocation: location)
        }
    }

    private func listed(_ product: Product) async throws -> [Listed] {
        let output = try await product.run("quarantine", "list", "--json")
        return try JSONDecoder().decode([Listed].self, from: Data(output.utf8))
    }

    @Test func driftIsNamedAndRepaired() async throws {
        try await withSale { product, api, _, tokens in
            await expect(product, ["reconcile", "--repair"], status: 64, "is no terminal", "give --yes")
            await expect(product, ["reconcile", "--yes"], status: 64, "--yes without --repair")
            await expect(product, ["reconcile", "--repair", "--yes"], status: 0, "there is nothing to repair")

            try await product.inRedis("HINCRBY", "{s0}:coupon:sale", "left", "3")
            await expect(product, ["reconcile"], status: 1, "DRIFT  5.", "has the shard rebuilt from Postgres")
            await expect(
                product,
                ["reconcile", "--repair", "--yes"],
                status: 0,
                "DRIFT  5.",
                "rebuild shard s0 from Postgres",
                "done: shard s0 is rebuilt and open, in epoch 2",
                "holds  5."
            )
            await expect(product, ["reconcile"], status: 0)
            // The sessions are as they were, and so is what was redeemed.
            #expect(try await api.redeem(token: tokens[0]).code == "already_redeemed")
            #expect(try await api.send(.GET, "/v1/coupons/sale", token: tokens[0])["left"] as? Int == 5)

            try await product.inPostgres("update coupons set redeemed = 9")
            await expect(product, ["reconcile", "--repair", "--yes"], status: 0, "sale: counted 9, has 5 rows; counted 5 now")
        }
    }

    @Test func whatOnlyRedisHasWaitsForADecision() async throws {
        try await withSale { product, api, worker, tokens in
            await expect(product, ["quarantine", "list"], status: 0, "REASON")
            try await product.deleteOneRedemption()
            let lost = ["reconcile", "--repair", "--yes"]
            await expect(
                product,
                lost,
                status: 1,
                "1 redemptions that only Redis has are in quarantine now",
                "not: rebuild shard s0"
            )
            await expect(product, lost, status: 1, "nothing of this can be repaired by --repair now", "redeem quarantine retry")
            let first = try #require(try await listed(product).first)
            #expect((first.shard, first.epoch, first.coupon, first.price) == (0, 1, "sale", 10))
            await expect(product, ["quarantine", "list"], status: 0, first.username, "sale", "only Redis had it")
            for (arguments, status, words) in [
                (["list", "--limit", "0"], Int32(64), "--limit 0 is out of range"), (["list", "--shard=-1"], 64, "--shard -1"),
                (["list", "--reason", ""], 64, "--reason is empty"), (["retry"], 64, "which ones?"),
                (["retry", "1", "--all"], 64, "exclude each other"), (["retry", "x"], 64, "'x' is not an id of quarantine"),
                (["retry", "4711"], 1, "there is no 4711 in quarantine"), (["drop", "\(first.id)"], 64, "--reason"),
                (["drop", "--reason", "r"], 64, "ids"),
                (["drop", "\(first.id)", "--reason", " ", "--yes"], 64, "--reason has nothing but blanks"),
                (["drop", "\(first.id)", "--reason", "r"], 64, "is no terminal"),
                (
                    ["drop", "\(first.id)", "4711", "--reason", "r", "--yes"], 1,
                    "there is no 4711 in quarantine, so nothing was dropped"
                ),
            ] {
                await expect(product, ["quarantine"] + arguments, status: status, words)
            }
            #expect(try await listed(product).map(\.id) == [first.id])
            // The worker did not put it there, and tells of it.
            try await until("a worker tells of one") { try await worker.metric(Self.entries) == 1 }
            #expect(try await worker.metric(#"redeem_sync_quarantined_total{shard="s0"}"#) == 0)
            let noSuch = try await product.run("quarantine", "list", "--json", "--reason", "nobody says this")
            #expect(noSuch.filter { !$0.isWhitespace } == "[]")

            await expect(
                product,
                ["quarantine", "retry", "--all"],
                status: 0,
                "landed \(first.id): redemption \(first.redemption)"
            )
            try await product.settled()

            try await product.deleteOneRedemption()
            await expect(product, lost, status: 1)
            let second = try #require(try await listed(product).first)
            await expect(
                product,
                ["quarantine", "drop", "\(second.id)", "--reason", "ticket 7", "--yes"],
                status: 0,
                "dropped \(second.id): the sync worker gives credit and stock back"
            )
            #expect(try await listed(product).isEmpty)
            try await until("the use is given back") {
                try await api.send(.GET, "/v1/coupons/sale", token: tokens[0])["left"] as? Int == 6
            }
            try await product.settled()
            let statuses = try await concurrently(1, tokens) { try await api.redeem(token: $0).status }
            #expect(statuses.sorted() == [201, 409, 409, 409, 409])
            try await product.settled()
            try await until("a worker tells of none") { try await worker.metric(Self.entries) == 0 }
        }
    }

    /// On a terminal it asks, and takes only yes for yes.
    /// Of bytes that no text of Postgres can hold, an operator sees each one.
    @Test func entriesThatAreNoEntriesAreShownAsTheyAre() async throws {
        struct Unreadable: Decodable {
            let id: Int
            let entry: String
            let reason: String
        }
        try await withSale { product, _, worker, _ in
            let bytes: [UInt8] = [0, 0xFF, 0xFE] + Array(repeating: 0x41, count: 27)
            let head = ["XADD", "{s0}:outbox", "*", "epoch", "1", "coupon", "sale", "price", "10", "redemptions"]
            try await product.inRedis { client in
                for blob in [bytes, Array(bytes.dropLast())] {
                    let command = head.map(RESPArgument.text) + [.bytes(blob)]
                    _ = try await client.send(command, to: nil, deadline: nil)
                }
                let name = [RESPArgument.text("XADD"), .text("{s0}:outbox"), .text("*"), .bytes([0xC3, 0x28]), .text("a\u{0}b")]
                _ = try await client.send(name, to: nil, deadline: nil)
            }
            try await until("a worker tells of three") { try await worker.metric(Self.entries) == 3 }
            let output = try await product.run("quarantine", "list", "--json")
            let found = try JSONDecoder().decode([Unreadable].self, from: Data(output.utf8))
            let hex = #"\\x00fffe"# + String(repeating: "41", count: 26)
            #expect(
                found.map(\.reason) == [
                    "redemption 1 is not of a user", "29 bytes of redemptions, which are 30 each",
                    "the fields are not epoch, coupon, price and at least one redemption",
                ]
            )
            try #require(found.count == 3)
            #expect(found[0].entry.contains(#""redemptions", "\#(hex)41"]"#), "\(found[0].entry)")
            #expect(found[1].entry.contains(#""redemptions", "\#(hex)"]"#), "\(found[1].entry)")
            #expect(found[2].entry == #"{"fields": ["\\xc328", "\\x610062"]}"#)
            await expect(product, ["quarantine", "list"], status: 0, "redemption 1 is not of a user", "29 bytes of redemptions")
            await expect(
                product,
                ["reconcile"],
                status: 1,
                "holds  3.",
                "DRIFT  4.",
                "3 redemptions are in quarantine",
                "holds  5."
            )
            await expect(product, ["quarantine", "retry", "--all"], status: 1, "not landed \(found[0].id)")
            let ids = found.map { "\($0.id)" }
            let drop = ["quarantine", "drop"] + ids + ["--reason", "rubbish", "--yes"]
            await expect(product, drop, status: 0, "dropped \(ids[2]): nothing is to be given back in Redis")
            try await product.settled()
        }
    }

    @Test func asksOnATerminal() async throws {
        try await withSale { product, _, _, _ in
            try await product.inRedis("HINCRBY", "{s0}:coupon:sale", "left", "3")
            let settings = product.environment.map { "\($0)='\($1)'" }.joined(separator: " ")
            func answer(_ text: String) async -> String {
                let command = "\(settings) \(RedeemProcess.program) reconcile --repair"
                return await shell(
                    "printf '\(text)\\n' | script --quiet --return --command \"\(command)\" /dev/null; echo status $?"
                )
            }
            let no = await answer("no")
            #expect(no.contains("Do this? [y/N]"))
            #expect(no.contains("nothing was changed"))
            #expect(no.contains("status 1"))
            await expect(product, ["reconcile"], status: 1)
            let yes = await answer("y")
            #expect(yes.contains("done: shard s0 is rebuilt and open, in epoch 2"), "\(yes)")
            #expect(yes.contains("status 0"))
            await expect(product, ["reconcile"], status: 0)
        }
    }

    /// The worker finds it by itself.
    @Test func aWorkerTellsOfDriftInLogAndMetrics() async throws {
        try await Product.with { product in
            let (sync, url) = try await product.sync(with: ["REDEEM_SYNC_RECONCILE_INTERVAL_S": "1"])
            _ = try await sync.logged("the shard is open")
            try await product.run("coupon", "create", "sale", "--price", "1", "--total", "5", "--code", "C")
            try await API.with(url) { operations in
                try await until("a comparison holds") {
                    try await operations.metric(#"redeem_reconcile_runs_total{shard="s0",outcome="holds"}"#) ?? 0 > 0
                }
                try await product.inRedis("HINCRBY", "{s0}:coupon:sale", "left", "1")
                #expect(try await sync.logged("Redis and Postgres have parted").contains(" error redeem"))
                try await until("drift is told") {
                    try await operations.metric(#"redeem_drift{shard="s0",invariant="5"}"#) == 1
                }
                #expect(try await operations.metric(#"redeem_shard_owner{shard="s0"}"#) == 1)
                #expect(try await operations.send(.GET, "/livez").status == 200)
            }
            #expect(await sync.stop() == 0)
        }
    }
}

extension Product {
    fileprivate func inRedis(_ command: String...) async throws {
        let client = RedisClient(
            configuration: try .forTests(redis.url),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: testLogger()
        )
        try await client.connect()
        _ = try await client.send(command)
        await client.close()
    }

    fileprivate func inPostgres(_ sql: String) async throws {
        let postgres = PostgresClient(
            configuration: PostgresConfiguration(url: environment["REDEEM_POSTGRES_URL"] ?? ""),
            logger: testLogger()
        )
        try await postgres.withConnection { try $0.script(sql) }
        await postgres.close()
    }
}
