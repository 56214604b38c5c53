import Foundation
import HotPath
import LocalStack
import NIOHTTP1
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

/// Every command, with the rights that docs/OPERATIONS.md names for it and no others.
@Suite(.serialized) struct CommandRightsTests {
    /// Nobody listens there: a command that is said to need no store is given this one.
    private static let nowhere = (redis: "redis://127.0.0.1:1", postgres: "postgres://127.0.0.1:1/none")
    /// They have stores of their own, or none, and tests of their own.
    private static let others: Set = ["bench", "dev"]

    @Test func eachCommandHasTheRightsItNeeds() async throws {
        try await FlaskDatabase.withShop { shop in
            var redis = RedisOptions()
            redis.isHardened = true
            try await Product.with(redis: redis) { product in
                let owner = try await LeastRights.makeOwner(database: product.environment["REDEEM_POSTGRES_URL"] ?? "")
                let story = Story(product: product, owner: owner, rights: try Self.documented(), shop: shop.url)
                try await story.run()
                #expect(story.told.union(Self.others).sorted() == (try await Self.commands()).sorted())
                try await product.inRedis { client in
                    let refused = try await client.send(["ACL", "LOG"])
                    #expect(refused == .array([]), "\(refused)")
                }
            }
        }
    }

    // MARK: What there is

    private struct Help: Decodable {
        struct Command: Decodable {
            let commandName: String
            let subcommands: [Command]?

            /// Those that do something.
            func leaves(_ path: [String]) -> [String] {
                let own = (subcommands ?? []).filter { $0.commandName != "help" }
                return own.isEmpty
                    ? [path.joined(separator: " ")] : own.flatMap { $0.leaves(path + [$0.commandName]) }
            }
        }

        let command: Command
    }

    private static func commands() async throws -> [String] {
        let help = await redeem("--experimental-dump-help")
        return try JSONDecoder().decode(Help.self, from: Data(help.output.utf8)).command.leaves([]) + ["reconcile --repair"]
    }

    struct Rights {
        /// `nil`: the command needs no Redis.
        let redis: RedisUser?
        let postgres: Role

        enum Role: Equatable {
            case none
            case owner
            case role(PostgresRole)
        }
    }

    /// The table under *Least rights*.
    private static func documented() throws -> [String: Rights] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/OPERATIONS.md"), encoding: .utf8)
        let table = try #require(text.firstRange(of: "| command | Redis | Postgres |")).lowerBound
        var rights: [String: Rights] = [:]
        for line in text[table...].split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2).prefix(while: {
            $0.hasPrefix("|")
        }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let postgres = cells[2].trimmingCharacters(in: ["`"])
            let role: Rights.Role =
                if postgres == "none" { .none } else if postgres == "the owner" {
                    .owner
                } else { .role(try #require(PostgresRole(rawValue: postgres))) }
            let user = cells[1].trimmingCharacters(in: ["`"])
            var redis: RedisUser?
            if user != "none" {
                let named: RedisUser = try #require(RedisUser(rawValue: user))
                redis = named
            }
            for command in cells[0].matches(of: /`([a-z -]+)`/) {
                rights[String(command.output.1)] = Rights(redis: redis, postgres: role)
            }
        }
        return rights
    }

    // MARK: What is done

    private final class Story {
        let product: Product
        let owner: String
        let rights: [String: Rights]
        let shop: String
        /// Commands that were run.
        var told: Set<String> = []

        init(product: Product, owner: String, rights: [String: Rights], shop: String) {
            self.product = product
            self.owner = owner
            self.rights = rights
            self.shop = shop
        }

        func run() async throws {
            told = ["serve", "sync"]
            try await command("migrate")
            let sync = product.start(["sync"], try environment("sync"))
            let server = try await product.serve(with: try environment("serve"))
            _ = try await sync.logged("the shard is open")
            try await command("health", "--url", server.operations)
            try await users()
            try await coupons()
            try await quarantine(server.api)
            try await command("import flask", more: ["REDEEM_IMPORT_FROM": shop])
            try await command("key show")
            try await command("key set-token")
            try await command("key adopt-code", "tea", "--code-stdin", input: "TEA\n")
            // It is the key already.
            try await command("key replace-code", status: 64)
            try await command("doctor")
            #expect(await server.process.stop() == 0)
            #expect(await sync.stop() == 0)
        }

        private func users() async throws {
            try await command("user create", "ann", "--password-stdin", "--credit", "100", input: "correct horse\n")
            try await command("user import", "-", input: "username,password,credit\nbob,correct horse,5\n")
            try await command("user show", "ann")
            try await command("user load")
            try await command("user credit", "ann", "--add", "5")
            try await command("user password", "ann", "--password-stdin", input: "correct horse\n")
            try await command("user role", "ann", "admin")
            try await command("session list", "ann")
            try await command("session revoke", "ann", "--all")
        }

        private func coupons() async throws {
            try await command("coupon create", "tea", "--code", "TEA", "--price", "1", "--total", "1")
            try await command("coupon list")
            for one in ["coupon show", "coupon pause", "coupon resume"] { try await command(one, "tea") }
            try await command("coupon restock", "tea", "--by", "1")
        }

        private func quarantine(_ url: String) async throws {
            let file = "\(product.folder)/tokens"
            let sale = ["--coupon", "sale", "--stock", "5", "--price", "10", "--code", Product.code]
            try await command("seed", ["--users", "2", "--credit", "100", "--tokens", file] + sale)
            let tokens = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
            try await API.with(url) { api in
                for (token, decision) in zip(tokens, [["quarantine retry"], ["quarantine drop", "--reason", "a test", "--yes"]]) {
                    #expect(try await api.redeem(token: token).status == 201)
                    try await product.settled()
                    try await command("reconcile")
                    try await product.deleteOneRedemption()
                    // It is in quarantine then, and to be decided.
                    try await command("reconcile --repair", "--yes", status: 1)
                    let id = try #require(try await command("quarantine list", "--json").firstMatch(of: /"id" ?: ?([0-9]+)/))
                        .output.1
                    try await command(decision[0], [String(id)] + decision.dropFirst())
                    try await product.applied()
                }
            }
        }

        private func environment(_ name: String) throws -> [String: String] {
            let rights = try #require(rights[name], "docs/OPERATIONS.md does not say with which rights `\(name)` runs")
            let all = product.environment["REDEEM_POSTGRES_URL"] ?? ""
            let postgres =
                switch rights.postgres {
                case .none: nowhere.postgres
                case .owner: owner
                case .role(let role): LeastRights.url(of: all, as: role)
                }
            return [
                "REDEEM_REDIS_URL": rights.redis.map { LeastRights.url(of: product.redis, as: $0) } ?? nowhere.redis,
                "REDEEM_POSTGRES_URL": postgres,
            ]
        }

        @discardableResult
        private func command(
            _ name: String,
            _ arguments: String...,
            status: Int32 = 0,
            input: String = "",
            more: [String: String] = [:]
        ) async throws -> String {
            try await command(name, arguments, status: status, input: input, more: more)
        }

        @discardableResult
        private func command(
            _ name: String,
            _ arguments: [String],
            status: Int32 = 0,
            input: String = "",
            more: [String: String] = [:]
        ) async throws -> String {
            told.insert(name)
            let variables = product.environment.merging(try environment(name)) { $1 }.merging(more) { $1 }
            let words = name.split(separator: " ").map(String.init) + arguments
            let answer = await redeem(words, environment: variables, input: input)
            #expect(answer.status == status, "\(words): \(answer.output)")
            return answer.output
        }
    }
}
