public import Domain
import LuaScripts
public import RedisClient

/// The rights that Redis's user `default` needs, so that Redis reads back everything it has written when it starts.
///
/// Redis reads its append-only file as that user, whether the user is on or off. The writes of a script are one transaction in the file.
/// Redis leaves out each command of a transaction that the user has no right to (seen with 7.0.15: a line in its log, and no error). So if
/// that user was locked down, a start loses the redemptions since the last rewrite of the file. A replica follows its primary with all
/// rights, and reads its own file with those of `default`.
public enum ReplayRights {
    /// The command that gives the user all rights, and lets nobody log in as it.
    public static let command = ["ACL", "SETUSER", "default", "off", "resetpass", "~*", "&*", "+@all"]
    /// The same as a line of redis.conf, or of the file of users that it names.
    public static let line = "user default off resetpass ~* &* +@all"

    /// The commands that write, each with arguments that may follow its key.
    static let arguments: [String: [String]] = [
        "del": [], "unlink": [], "hdel": ["f"], "hset": ["f", "v"], "pexpireat": ["1"], "set": ["v"], "xadd": ["*", "f", "v"],
        "xtrim": ["MINID", "1"], "zadd": ["1", "m"], "zrem": ["m"], "zremrangebyscore": ["0", "1"],
    ]

    /// The commands as they stand in the file: the writes of the scripts, and the removal of keys that expire.
    static func commands(_ shards: [Shard]) -> [[String]] {
        var rights = RedisRights((["del", "unlink"], RedisRights.KeyFamily.allCases))
        for script in Script.allCases { rights.formUnion(script.rights) }
        return rights.families.sorted { $0.key < $1.key }.flatMap { command, families -> [[String]] in
            guard let arguments = arguments[command] else { return [] }
            return shards.map(Keys.init).flatMap { keys in
                families.map { [command, keys.pattern(of: $0).replacing("*", with: "0")] + arguments }.sorted { $0[1] < $1[1] }
            }
        }
    }

    static func questions(_ shards: [Shard]) -> [[String]] { commands(shards).map { ["ACL", "DRYRUN", "default"] + $0 } }

    /// The commands that were refused, each with its key.
    static func refused(_ replies: [RESPValue], _ shards: [Shard]) throws(RedisError) -> [String] {
        var refused: [String] = []
        for (command, reply) in zip(commands(shards), replies) {
            if case .error(let message) = reply { throw RedisError(.serverError, message) }
            if reply.string != "OK" { refused.append(command.prefix(2).joined(separator: " ")) }
        }
        return refused
    }
}

extension RedisClient {
    /// The writes that this Redis would leave out at its next start, when it reads its append-only file. Empty: none.
    public func refusedInReplay(_ shards: ShardMap = ShardMap()) async throws(RedisError) -> [String] {
        try ReplayRights.refused(try await pipeline(ReplayRights.questions(shards.shards)), shards.shards)
    }
}

extension ShardStore {
    /// The same for this shard's keys.
    public func refusedInReplay() async throws(RedisError) -> [String] {
        let questions = ReplayRights.questions([shard])
        let replies = try await client.pipeline(to: redis, deadline: nil) { _ -> [[String]] in questions }.replies
        return try ReplayRights.refused(replies, [shard])
    }
}
