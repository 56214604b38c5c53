public import Domain
import LuaScripts

/// A user of Redis for a part of Redeem, which may do what that part does and nothing else.
///
/// Each command that is used is listed here: the tests run the product as these users.
public enum RedisUser: String, CaseIterable, Sendable {
    /// `redeem serve`, and operators' commands that read shards or end sessions.
    case server = "redeem-server"
    /// `redeem sync` and `redeem reconcile`.
    case sync = "redeem-sync"

    /// The command that makes the user, or gives it these rights and no others. Its passwords stay; without one nobody can log in as it.
    public func command(shards: ShardMap = ShardMap()) -> [String] {
        ["ACL", "SETUSER", rawValue, "on", "resetchannels", "resetkeys", "clearselectors", "nocommands"]
            + rights.rules(keys: shards.shards.map(Keys.init))
    }

    var rights: RedisRights {
        var rights = RedisRights(
            (["ping", "select", "info", "time", "role", "wait", "config|get", "scan", "script|exists", "multi", "exec"], []),
            // Finding the node of a cluster that has the slot.
            (["cluster|slots", "cluster|nodes"], []),
            // Asks which writes a start of Redis would leave out (`ReplayRights`).
            (["acl|dryrun"], []),
            // Reading the state of a shard.
            (["hmget"], [.shard]),
            (["hget"], [.shard, .coupon]),
            (["get"], [.fence]),
            (["type"], [.earlierShard]),
            (["xinfo|stream", "xlen"], [.outbox]),
            // Ending sessions, which both do.
            (["zrange", "zrem"], [.sessions]),
            (["hget", "hmget", "del"], [.session])
        )
        switch self {
        case .server:
            rights.allow(["pexpiretime"], on: [.session])
            rights.allow([.redeem, .loadUser, .userState, .createSession, .refreshSession, .throttle], by: "evalsha")
        case .sync:
            rights.allow(["xread"], on: [.outbox])
            rights.allow([.settle, .applyControl], by: "evalsha")
            // Closing, rebuilding and opening a shard.
            rights.allow(["script|flush", "script|load"])
            rights.allow(["del", "hset"], on: [.shard])
            rights.allow(["unlink"], on: [.coupon, .session, .sessions])
            // Rebuilds look through the users that an earlier version left, and remove them.
            rights.allow(["hgetall", "unlink"], on: [.earlierUser])
            rights.allow(Script.rebuilding, by: "eval")
            // Comparing both stores.
            rights.allow(["xrange"], on: [.outbox])
            rights.allow(["hmget"], on: [.coupon, .users])
            rights.allow(["hget", "hscan"], on: [.users])
        }
        return rights
    }
}

extension RedisRights {
    fileprivate mutating func allow(_ scripts: [Script], by command: String) {
        for script in scripts {
            allow([command], on: script.keys)
            formUnion(script.rights)
        }
    }
}
