import Foundation
import LocalStack
import Synchronization
import Testing
import TestSupport

/// A Redis and a database of the test's own, as every command of `redeem` finds them in the environment.
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
    static func with(_ body: (Product) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withDatabase { database in
                try await withTemporaryFolder { folder in
                    let product = Product(
                        environment: [
                            "REDEEM_REDIS_URL": redis.url,
                            "REDEEM_POSTGRES_URL": database,
                            "REDEEM_TOKEN_KEY": String(repeating: "t", count: 32),
                            "REDEEM_CODE_KEY": String(repeating: "c", count: 32),
                            "REDEEM_SCRYPT_LOG_N": "10",
                            "REDEEM_SYNC_OWNER_SILENCE_MS": "2000",
                        ],
                        redis: redis,
                        folder: folder
                    )
                    do {
                        try await product.run("migrate")
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

    func start(_ arguments: String...) -> RedeemProcess { start(arguments, environment) }

    /// - Parameter variables: beside those of every command.
    func start(_ arguments: [String], with variables: [String: String]) -> RedeemProcess {
        start(arguments, environment.merging(variables) { $1 })
    }

    private func start(_ arguments: [String], _ environment: [String: String]) -> RedeemProcess {
        let process = RedeemProcess(arguments, environment: environment)
        processes.withLock { $0.append(process) }
        return process
    }

    private func killAll() async {
        for process in processes.withLock({ $0 }) { _ = await process.stop(SIGKILL) }
    }

    /// A `redeem serve` and the URLs of its two ports.
    /// - Parameter unset: variables that it does not get.
    func serve(_ arguments: String..., without unset: [String] = []) async throws -> (
        process: RedeemProcess, api: String, operations: String
    ) {
        let environment = environment.filter { !unset.contains($0.key) }
        let process = start(["serve", "--port", "0", "--ops-port", "0"] + arguments, environment)
        let words = try await process.line(startingWith: "ready ").split(separator: " ").map(String.init)
        return (process, words[1], words[3])
    }

    /// Runs a command that must succeed.
    @discardableResult
    func run(_ arguments: String..., input: String = "") async throws -> String {
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
