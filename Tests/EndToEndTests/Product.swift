import Foundation
import HotPath
import LocalStack
import Persistence
import Synchronization
import Testing
import TestSupport

/// A Redis and a database of the test's own, as every command of `redeem` finds them in the environment. Operators'
/// commands have all rights; servers and workers have the least.
final class Product: Sendable {
    static let code = "SALE-2030"

    let environment: [String: String]
    let redis: RedisServer
    let folder: String
    private let processes = Mutex<[RedeemProcess]>([])

    private init(environment: [String: String], redis: RedisServer, folder: String) {
        self.environment = environment
        self.redis = redis
        self.folder = folder
    }

    /// Runs the body with a migrated, empty product. Processes that the body started are gone when this returns.
    /// - Parameter postgres: `nil`: a database of the server that tests share.
    static func with(
        redis options: RedisOptions = RedisOptions(),
        postgres url: String? = nil,
        _ body: (Product) async throws -> Void
    ) async throws {
        var options = options
        options.extra += LeastRights.redisLines
        try await withRedis(options) { redis in
            try await withMigratedDatabase { database in
                try await withTemporaryFolder { folder in
                    let product = Product(
                        environment: [
                            "REDEEM_REDIS_URL": redis.url,
                            "REDEEM_POSTGRES_URL": url ?? database,
                            "REDEEM_TOKEN_KEY": String(repeating: "t", count: 32),
                            "REDEEM_CODE_KEY": String(repeating: "c", count: 32),
                            "REDEEM_SCRYPT_LOG_N": "10",
                            "REDEEM_REDIS_DEADLINE_MS": "5000",
                            "REDEEM_REDIS_CONNECT_TIMEOUT_MS": "5000",
                        ],
                        redis: redis,
                        folder: folder
                    )
                    do {
                        // It is migrated already; what is left records the keys.
                        try await product.run("migrate")
                        try await LeastRights.grant(database: url ?? database)
                        try await body(product)
                    } catch {
                        await product.killAll()
                        throw error
                    }
                    await product.killAll()
                }
            }
        }
    }

    /// The environment, but for whom stores see.
    func environment(_ user: RedisUser, _ role: PostgresRole) -> [String: String] {
        environment.merging([
            "REDEEM_REDIS_URL": LeastRights.url(of: redis, as: user),
            "REDEEM_POSTGRES_URL": LeastRights.url(of: environment["REDEEM_POSTGRES_URL"] ?? "", as: role),
        ]) { $1 }
    }

    /// Starts what runs on: a server or worker with the least rights, anything else with all.
    func start(_ arguments: String..., clock: MovableClock? = nil) -> RedeemProcess { start(arguments, clock: clock) }

    /// - Parameters:
    ///   - more: variables beside, or in place of, the usual ones.
    ///   - unset: variables that it does not get.
    ///   - openFiles: how many files it may open; `nil`: as many as this process.
    ///   - hard: to how many it may raise that; `nil`: it may not.
    func start(
        _ arguments: [String],
        _ more: [String: String] = [:],
        without unset: [String] = [],
        clock: MovableClock? = nil,
        openFiles: Int? = nil,
        hard: Int? = nil
    ) -> RedeemProcess {
        let rights =
            switch arguments.first {
            case "serve": environment(.server, .server)
            case "sync": environment(.sync, .sync)
            default: environment
            }
        let chosen = rights.filter { !unset.contains($0.key) }.merging(more) { $1 }
        let process: RedeemProcess
        if let clock {
            process = RedeemProcess(
                ["-c", MovableClock.shellCommand, RedeemProcess.program] + arguments,
                environment: chosen.merging(clock.environment) { $1 },
                program: "/bin/sh"
            )
        } else if let openFiles {
            process = RedeemProcess(
                ["--nofile=\(openFiles):\(hard ?? openFiles)", RedeemProcess.program] + arguments,
                environment: chosen,
                program: "/usr/bin/prlimit"
            )
        } else {
            process = RedeemProcess(arguments, environment: chosen)
        }
        processes.withLock { $0.append(process) }
        return process
    }

    private func killAll() async {
        for process in processes.withLock({ $0 }) { _ = await process.stop(SIGKILL) }
    }

    /// A `redeem serve` and the URLs of its two ports.
    func serve(
        _ arguments: String...,
        with more: [String: String] = [:],
        without unset: [String] = [],
        clock: MovableClock? = nil,
        openFiles: Int? = nil
    ) async throws -> (
        process: RedeemProcess, api: String, operations: String
    ) {
        let process = start(
            ["serve", "--port", "0", "--ops-port", "0"] + arguments,
            more,
            without: unset,
            clock: clock,
            openFiles: openFiles
        )
        let words = try await process.line(startingWith: "ready ").split(separator: " ").map(String.init)
        return (process, words[1], words[3])
    }

    /// Runs a command that must succeed.
    @discardableResult
    func run(_ arguments: String..., input: String = "") async throws -> String { try await run(arguments, input: input) }

    @discardableResult
    func run(_ arguments: [String], input: String = "") async throws -> String {
        let process = RedeemProcess(arguments, environment: environment, input: input)
        let status = await process.exitStatus()
        try #require(status == 0, "\(arguments): \(process.output)")
        return process.output
    }

    /// Creates users with sessions and the coupon `sale`; returns the access tokens.
    func seed(users: Int, credit: Int = 100, stock: Int, price: Int = 10) async throws -> [String] {
        let file = "\(folder)/tokens"
        try await run(
            "seed",
            "--users",
            "\(users)",
            "--credit",
            "\(credit)",
            "--coupon",
            "sale",
            "--stock",
            "\(stock)",
            "--price",
            "\(price)",
            "--code",
            Product.code,
            "--tokens",
            file
        )
        return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }
}
