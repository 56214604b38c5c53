import Foundation
import HotPath
import NIOHTTP1
import Persistence
import PostgresClient
import TestSupport
import Testing

/// A process that was given another key than the others notices, and says what to do.
@Suite(.serialized) struct ServiceKeyTests {
    private static let wrong = ["REDEEM_CODE_KEY": String(repeating: "w", count: 32)]
    private static let new = ["REDEEM_CODE_KEY": String(repeating: "n", count: 32)]

    private static let create = ["coupon", "create", "x", "--price", "1", "--total", "5", "--code", "CK1"]

    private func refused(
        _ product: Product,
        _ arguments: [String],
        _ change: [String: String],
        _ words: String = "REDEEM_CODE_KEY is not the key"
    ) async {
        let report = await redeem(arguments, environment: product.environment.merging(change) { $1 })
        #expect(report.status == 64, "\(arguments): \(report.output)")
        #expect(report.output.contains(words), "\(arguments): \(report.output)")
        for value in change.values { #expect(!report.output.contains(value), "\(report.output)") }
    }

    @Test func anotherKeyIsRefusedWhereverItIsUsed() async throws {
        try await Product.with { product in
            let other = ["REDEEM_TOKEN_KEY": String(repeating: "w", count: 40)]
            let seed = [
                "seed", "--users", "1", "--credit", "1", "--coupon", "x", "--stock", "1", "--price", "1", "--code", "C",
                "--tokens",
                "\(product.folder)/t",
            ]
            for command in [["migrate"], ["serve", "--port", "0", "--ops-port", "0"], Self.create, seed] {
                await refused(product, command, Self.wrong)
            }
            for command in [["migrate"], ["serve", "--port", "0", "--ops-port", "0"], seed, ["key", "set-token"]] {
                await refused(product, command, other, "has the key that the servers share")
            }
            try await FlaskDatabase.with { flask in
                await refused(product, ["import", "flask"], Self.wrong.merging(["REDEEM_IMPORT_FROM": flask.url]) { $1 })
            }
            #expect(try await product.run("coupon", "list", "--json").filter { !$0.isWhitespace } == "[]")
            #expect(await redeem("key", "show", environment: product.environment.merging(other) { $1 }).status == 1)
            #expect(try await product.run("key", "show", "--json").contains(#""name" : "code""#))
            try await product.run(Self.create)
            // The servers' role sees the record and cannot change it.
            let server = product.environment(.server, .server)
            #expect(await redeem("key", "show", environment: server).status == 0)
            #expect(await redeem("key", "set-token", environment: server).status == 1)
        }
    }

    /// The first to come with a key records it, and a wrong record is put right by anyone who knows a code.
    @Test func aWrongRecordIsPutRight() async throws {
        try await Product.with { product in
            try await product.inPostgres("delete from service_keys")
            try await product.run(Self.create)
            try await product.inPostgres("update service_keys set id = 'other'")
            await refused(product, ["serve", "--port", "0", "--ops-port", "0"], [:])
            let adopt = ["key", "adopt-code", "x", "--code-stdin"]
            let guess = await redeem(adopt, environment: product.environment, input: "CK2\n")
            #expect(guess.status == 1)
            #expect(guess.output.contains("nothing was recorded"))
            try await product.run(adopt, input: "CK1\n")
            let server = try await product.serve()
            #expect(await server.process.stop() == 0)
        }
    }

    /// The runbook of SECURITY.md: everything works under the new key, the old one ends, and its codes are unknown.
    @Test func theCodeKeyIsReplaced() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 2, stock: 10)
            try await product.run(
                "coupon",
                "create",
                "gone",
                "--price",
                "1",
                "--total",
                "5",
                "--code",
                "G",
                "--ends",
                "2020-01-01T00:00:00Z"
            )
            let old = try await product.serve()
            try await API.with(old.api) { api in
                let status = try await api.redeem(token: tokens[0]).status
                #expect(status == 201)
            }

            try await lookingChangesNothing(product)
            let replace = ["key", "replace-code", "--codes", "-", "--yes"]
            let changed = product.environment.merging(Self.new) { $1 }
            await refused(product, ["key", "replace-code"], Self.new, "1 coupons that have not ended need a code: 'sale'")
            for (lines, words) in [
                ("sale", "line 1 is not COUPON,CODE"), ("sale,A\n\nsale,B", "line 3: 'sale' is there already"),
                ("sale,A\ngone,A", "the same code twice"), ("sale,", "line 1: the code"),
            ] {
                let report = await redeem(replace, environment: changed, input: lines)
                #expect(report.status == 64, "\(report.output)")
                #expect(report.output.contains(words), "\(report.output)")
            }
            let unknown = await redeem(replace, environment: changed, input: "sale,A\nnone,B")
            #expect(unknown.status == 1)
            #expect(unknown.output.contains("there is no coupon 'none'"))
            let same = await redeem(replace, environment: product.environment, input: "sale,A")
            #expect(same.output.contains("is the recorded key already"))
            let done = await redeem(replace, environment: changed, input: "\u{FEFF}sale,NEW, 1\r\n")
            #expect(done.status == 0, "\(done.output)")
            #expect(done.output.contains("1 coupons have new codes, 1 that have ended have none"))

            #expect(await old.process.exitStatus() == 64)
            #expect(old.process.output.contains("this server has another key than the others, and ends"))
            let server = try await product.serve(with: Self.new)
            try await API.with(server.api) { api in
                try await until("Redis has the new codes") {
                    try await api.redeem(token: tokens[1], code: "NEW, 1").status == 201
                }
                #expect(try await api.redeem(token: tokens[1], code: Product.code).code == "wrong_code")
            }
            try await product.settled()
        }
    }

    /// Not even where no coupon needs a code.
    private func lookingChangesNothing(_ product: Product) async throws {
        try await product.inPostgres("update coupons set ends_at = '2001-01-01', starts_at = null where id = 'sale'")
        let before = try await product.run("key", "show", "--json")
        let look = await redeem(["key", "replace-code"], environment: product.environment.merging(Self.new) { $1 })
        #expect(look.status == 0)
        #expect(look.output.contains("nothing was changed: no coupon needs a code"), "\(look.output)")
        #expect(try await product.run("key", "show", "--json") == before)
        try await product.inPostgres("update coupons set ends_at = null where id = 'sale'")
    }

    @Test func aLeakedTokenKeyEndsServersAndSessions() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            let token = try await product.seed(users: 1, stock: 10)[0]
            let old = try await product.serve()
            let new = ["REDEEM_TOKEN_KEY": String(repeating: "n", count: 40)]
            let both = new.merging(["REDEEM_TOKEN_OTHER_KEYS": product.environment["REDEEM_TOKEN_KEY"]!]) { $1 }
            await refused(product, ["key", "set-token", "--leaked", "--yes"], both, "whose tokens would stay good")
            let leaked = ["key", "set-token", "--leaked", "--yes"]
            #expect(await redeem(leaked, environment: product.environment.merging(new) { $1 }).status == 0)
            #expect(await old.process.exitStatus() == 64)
            let server = try await product.serve(with: both)
            try await API.with(server.api) { api in
                try await until("the session is over") {
                    try await api.send(.GET, "/v1/me", token: token).code == "session_revoked"
                }
            }
        }
    }
}

extension Product {
    fileprivate func inPostgres(_ sql: String) async throws {
        let postgres = PostgresClient(
            configuration: PostgresConfiguration(url: environment["REDEEM_POSTGRES_URL"] ?? ""),
            logger: testLogger()
        )
        try await postgres.withConnection { try $0.script(sql) }
        await postgres.close()
    }
}
