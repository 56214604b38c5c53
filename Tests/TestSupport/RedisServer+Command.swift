public import HotPath
public import LocalStack
import Logging
import NIOCore
import NIOPosix

extension RedisServer {
    /// Sends one command, whatever this Redis is: clients of the service work with primaries only.
    @discardableResult
    public func command(_ words: String...) async throws -> RESPValue { try await send(words, to: url) }

    /// A line of INFO.
    public func information(_ section: String, _ name: String) async throws -> String? {
        let lines = (try await command("INFO", section).string ?? "").split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix("\(name):") }.map { String($0.dropFirst(name.count + 1)) }
    }
}

extension RedisGroup {
    /// Lets a Sentinel put the replica in the place of the primary, which need not be down.
    public func failOver() async throws {
        let url = "redis://default:\(nodes[0].password)@127.0.0.1:\(sentinels[0].port)"
        _ = try await send(["SENTINEL", "FAILOVER", SentinelServer.primaryName], to: url)
    }
}

private func send(_ words: [String], to url: String) async throws -> RESPValue {
    var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: url))
    configuration.peer = .sentinel
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let client = RedisClient(configuration: configuration, eventLoopGroup: loop, logger: testLogger(level: .critical))
    return try await stopping({ await client.close() }) {
        try await client.connect()
        return try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                client.connection(on: loop).send(words) { result in
                    continuation.resume(with: result)
                }
            }
        }
    }
}
