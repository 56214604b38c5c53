public import LocalStack
import Logging
import NIOCore
import NIOPosix
public import RedisClient

extension RedisServer {
    /// Sends one command, whatever this Redis is: clients of the service work with primaries only.
    @discardableResult
    public func command(_ words: String...) async throws -> RESPValue { try await command(words) }

    @discardableResult
    public func command(_ words: [String]) async throws -> RESPValue { try await send(words, to: url) }

    /// A line of INFO.
    public func information(_ section: String, _ name: String) async throws -> String? {
        try await command("INFO", section).info[name]
    }
}

extension RedisGroup {
    /// Lets a Sentinel put the replica in the place of the primary, which need not be down.
    public func failOver() async throws {
        _ = try await send(["SENTINEL", "FAILOVER", SentinelServer.primaryName], to: url(of: sentinels[0]))
    }

    /// Makes Sentinels look more often, and so a failover, and all that follows it, a matter of a few seconds.
    func hurry() async throws {
        for sentinel in sentinels {
            // One that the machine has held up is not to look on for half a minute (TILT) instead.
            let periods = ["info-period", "500", "publish-period", "250", "tilt-trigger", "3600000"]
            _ = try await send(["SENTINEL", "DEBUG"] + periods, to: url(of: sentinel))
        }
    }

    private func url(of sentinel: SentinelServer) -> String {
        "redis://default:\(nodes[0].password)@127.0.0.1:\(sentinel.port)"
    }
}

private func send(_ words: [String], to url: String) async throws -> RESPValue {
    var configuration = try RedisConfiguration.forTests(url)
    configuration.peer = .sentinel
    let client = RedisClient(
        configuration: configuration,
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
        logger: testLogger(level: .critical)
    )
    return try await stopping({ await client.close() }) {
        try await client.connect()
        return try await client.send(words)
    }
}
