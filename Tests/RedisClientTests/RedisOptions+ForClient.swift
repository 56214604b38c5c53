import RedisClient
import Logging
import LocalStack
import NIOCore
import NIOPosix
import TestSupport

/// What the tests of the client need from a server: no files, and commands that hold it up.
extension RedisOptions {
    static func forClient(_ extra: [String] = []) -> RedisOptions {
        var options = RedisOptions()
        options.appendOnly = false
        options.extra = ["enable-debug-command yes"] + extra
        return options
    }
}

/// Runs the body with a client, which is closed afterwards. `loops`: how many event loops, and so connections.
func withClient<T: Sendable>(
    _ url: String,
    loops: Int = 1,
    _ adapt: (inout RedisConfiguration) -> Void = { _ in },
    _ body: (RedisClient) async throws -> T
) async throws -> T {
    var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: url))
    // A machine that stands still for a moment is no Redis that does not answer.
    configuration.commandDeadline = .seconds(5)
    adapt(&configuration)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    let client = RedisClient(configuration: configuration, eventLoopGroup: group, logger: testLogger(level: .critical))
    do {
        let result = try await body(client)
        await client.close()
        try await group.shutdownGracefully()
        return result
    } catch {
        await client.close()
        try await group.shutdownGracefully()
        throw error
    }
}

/// A port of 127.0.0.1 that nobody listened on a moment ago.
func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(host: "127.0.0.1", port: 0).get()
    guard let port = channel.localAddress?.port else { preconditionFailure("a bound channel without a port") }
    try await channel.close()
    return port
}

extension RedisClient {
    /// The error that a command ends with.
    func failure(_ arguments: [String], deadline: Duration? = nil) async -> RedisError? {
        do {
            _ = try await send(arguments, deadline: deadline)
            return nil
        } catch {
            return error
        }
    }

    func pipelineFailure(_ commands: [[String]], to id: ReplicationID? = nil) async -> RedisError? {
        do {
            _ = try await pipeline(commands, to: id)
            return nil
        } catch {
            return error
        }
    }

    func connectFailure() async -> RedisError? {
        do {
            try await connect()
            return nil
        } catch {
            return error
        }
    }

    func connectEventually() async throws {
        try await until("connected") { await connectFailure() == nil }
    }

    /// Which of all connections that the server ever had this is.
    func connectionID() async throws -> Int? { try await send(["CLIENT", "ID"]).integer }
}

/// As another client sees it.
func blockedClients(_ redis: RedisServer) async throws -> Int {
    try await withClient(redis.url, { $0.connectTimeout = .seconds(20) }) { client in
        try await client.connect()
        return try await client.send(["INFO", "clients"]).info["blocked_clients"].flatMap { Int($0) } ?? -1
    }
}
