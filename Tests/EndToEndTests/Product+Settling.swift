import Foundation
import HotPath
import LocalStack
import Logging
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import Testing
import TestSupport

/// Calls `body` with each element, so many at a time; the results in the order of the elements.
func concurrently<Element: Sendable, Result: Sendable>(
    _ width: Int,
    _ elements: [Element],
    _ body: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results: [Result?] = Array(repeating: nil, count: elements.count)
        for (index, element) in elements.enumerated() {
            if index >= width, let (done, result) = try await group.next() { results[done] = result }
            group.addTask { (index, try await body(element)) }
        }
        for try await (done, result) in group { results[done] = result }
        return results.compactMap { $0 }
    }
}

extension RedeemProcess {
    /// Waits for a log line with the message.
    func logged(_ message: String) async throws -> String {
        try await line(where: { $0.contains(message) })
    }
}

extension Product {
    /// A worker, and the URL at which it tells its metrics.
    func sync(with more: [String: String] = [:]) async throws -> (process: RedeemProcess, operations: String) {
        let process = start(["sync", "--ops-port", "0"], more)
        let line = try await process.logged("Server started and listening on 127.0.0.1:")
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
        return (process, "http://127.0.0.1:\(port)")
    }

    /// Waits until the outbox is empty and checks that every invariant holds.
    func settled() async throws {
        try await inRedis { client in
            try await until("the outbox is drained") {
                try await HotPath(client: client).stores[0].status().outboxLength == 0
            }
        }
        let report = await redeem("reconcile", environment: environment(.sync, .sync))
        #expect(report.status == 0, "\(report.output)")
        #expect(report.output.split(separator: "\n").count(where: { $0.hasPrefix("holds") }) == 7, "\(report.output)")
    }

    /// A client of the product's Redis, with all rights or as one of its users.
    func inRedis(as user: RedisUser? = nil, _ body: (RedisClient) async throws -> Void) async throws {
        let url = user.map { LeastRights.url(of: redis, as: $0) } ?? redis.url
        let client = RedisClient(
            configuration: try .forTests(url),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: testLogger()
        )
        try await stopping({ await client.close() }) {
            try await client.connect()
            try await body(client)
        }
    }

    func emptyRedis() async throws {
        try await inRedis { _ = try await $0.send(["FLUSHALL"]) }
    }

    func deleteOneRedemption() async throws {
        let postgres = PostgresClient(
            configuration: PostgresConfiguration(url: environment["REDEEM_POSTGRES_URL"] ?? ""),
            logger: testLogger()
        )
        try await postgres.withConnection { connection in
            _ = try connection.execute("DELETE FROM redemptions WHERE id = (SELECT id FROM redemptions LIMIT 1)")
        }
        await postgres.close()
    }
}
