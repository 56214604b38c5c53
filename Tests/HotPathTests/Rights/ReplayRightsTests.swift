import Domain
import LocalStack
import Logging
import LuaScripts
import NIOPosix
import RedisClient
import TestSupport
import Testing

@testable import HotPath

/// A Redis whose users are locked down, and then restarted.
@Suite struct ReplayRightsTests {
    private static let password = "administrator"

    @Test func itIsAskedForEverythingThatScriptsWrite() async throws {
        try await withShard { shard in
            let commands = Script.allCases.reduce(into: Set()) { $0.formUnion($1.rights.families.keys) }.union(["unlink"])
            for command in commands {
                let told = try await shard("COMMAND", "INFO", command).array?.first?.array?[2].array ?? []
                #expect(told.contains(.string("write")) == (ReplayRights.arguments[command] != nil), "\(command)")
            }
        }
    }

    /// What Redis says beforehand, command by command, is what becomes of its data.
    @Test(arguments: [
        ReplayRights.command.dropFirst(3).joined(separator: " "),
        "off", "off resetpass resetchannels", "reset ~{s0}:* +@write", "reset (~* +@all)", "reset %W~* +@all",
        "nopass -exec -multi",
        "reset", "reset +@all", "reset %R~* +@all", "on resetkeys -@all +ping", "reset ~* +@all -hset",
        "reset ~{s0}:outbox +@all",
        "reset ~* +@all -xadd", "reset (~{s0}:outbox +xadd) (~{s0}:users +hset)",
    ])
    func aRestartKeepsWhatIsNotRefused(rules: String) async throws {
        var options = RedisOptions()
        options.extra = ["enable-debug-command yes", "user admin on >\(Self.password) ~* &* +@all"]
        try await withShard(options) { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let request = user.request(CouponID("x")!)
            guard case .accepted = try await shard.hotPath.redeem(request) else { throw TestFailure("not accepted") }
            try await withAdministrator(shard.redis) { admin in
                _ = try await admin.send(["ACL", "SETUSER", "default"] + rules.split(separator: " ").map(String.init))
                _ = try await admin.send(["CONFIG", "REWRITE"])
                let refused = try await admin.refusedInReplay()
                let before = try await admin.send(["DEBUG", "DIGEST"])
                await shard.client.close()
                try await shard.redis.restart()
                try await admin.connect()
                let after = try await admin.send(["DEBUG", "DIGEST"])
                let version = RedisVersion(try await admin.send(RedisVersion.question))
                let isKept = refused.isEmpty || replaysAll(version)
                #expect((before == after) == isKept, "\(version): \(refused)")
            }
        }
    }

    /// Valkey 9 replays whatever it has written. Redis 7.0 and Valkey 8.1 do not.
    private func replaysAll(_ version: RedisVersion) -> Bool {
        switch version.program {
        case .redis: false
        case .valkey: version.major >= 9
        }
    }

    private func withAdministrator(_ redis: RedisServer, _ body: (RedisClient) async throws -> Void) async throws {
        let client = RedisClient(
            configuration: try .forTests("redis://admin:\(Self.password)@127.0.0.1:\(redis.port)"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: testLogger(level: .critical)
        )
        try await stopping({ await client.close() }) {
            try await client.connect()
            try await body(client)
        }
    }
}
