internal import Configuration
internal import Domain
internal import Foundation
internal import HotPath
internal import Logging
internal import NIOPosix
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Terminal

/// A target that somebody else runs. If its stores are known too (by --config or their addresses), they are checked as well.
struct RemoteTarget {
    let options: BenchOptions
    let settings: BenchSettings
    let connection: ConnectionOptions

    func with(_ api: HTTPAddress, _ body: (BenchTarget) async throws -> Void) async throws {
        let coupon = try Input.couponID(try given(options.coupon, "--coupon", for: [.redeem, .repeated, .browse]) ?? "none")
        var target = try BenchTarget(
            api: api,
            operations: try options.opsURL.map { try HTTPAddress($0, of: "--ops-url") },
            tls: settings.tls,
            coupon: coupon,
            code: try given(options.code, "--code", for: [.redeem, .repeated]) ?? ""
        )
        if let file = try given(options.tokens, "--tokens", for: [.redeem, .repeated]) {
            target.tokens = try TokenLines(file: file, flag: "--tokens", of: "access tokens")
        }
        if let file = try given(options.refreshTokens, "--refresh-tokens", for: [.refresh]) {
            target.refreshTokens = try TokenLines(file: file, flag: "--refresh-tokens", of: "refresh tokens")
        }
        if let file = try given(options.logins, "--logins", for: [.login]) {
            target.logins = try TokenLines(file: file, flag: "--logins", of: "logins")
            try check(target.logins, file)
        }
        if let file = try given(options.requests, "--requests", for: [.replay]) {
            let lines = try TokenLines(file: file, flag: "--requests", of: "requests")
            target.replay = try Replay(lines, file: file, host: api.authority, expecting: options.expect)
        }
        try await withStores { stores in
            target.stores = stores
            try await body(target)
        }
    }

    /// The value of a flag that some kinds of request need; `nil` if the load has none of these kinds.
    private func given(_ value: String?, _ flag: String, for kinds: [RequestKindName]) throws -> String? {
        guard let kind = kinds.first(where: { settings.mix.contains($0) }) else { return nil }
        guard let value else {
            throw UsageError(
                "\(flag) is missing",
                remedy: "requests of the kind \(kind.rawValue) need it; see redeem \(kind == .replay ? "bench" : "seed") --help"
            )
        }
        return value
    }

    private func check(_ logins: TokenLines, _ file: String) throws {
        for index in 0..<logins.count where !logins.text(index).contains(" ") {
            throw UsageError(
                "line \(index + 1) of '\(file)' has no space",
                remedy: "write a username, a space and the password on each line"
            )
        }
    }

    /// Gives `body` the stores, or `nil` if their addresses are not known.
    private func withStores(_ body: (BenchStores?) async throws -> Void) async throws {
        let reader = try await connection.settings().reader
        guard reader.text("redis.url") != nil, reader.text("postgres.url") != nil else { return try await body(nil) }
        let settings = try await connection.settings()
        let logger = try settings.logger("redeem.bench")
        let client = RedisClient(
            configuration: try RedisConfiguration(reader),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        let postgres = PostgresClient(configuration: try PostgresConfiguration(reader), logger: logger)
        do {
            try await client.connect()
            try await body(BenchStores(hotPath: HotPath(client: client), postgres: postgres))
        } catch {
            await client.close()
            await postgres.close()
            throw error
        }
        await client.close()
        await postgres.close()
    }
}
