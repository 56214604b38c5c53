public import LuaScripts
package import RedisClient

extension Script {
    /// Those that loading makes a shard open, in the order of loading. `redeem` is last: once it is there, all are.
    public static let opening: [Script] = [
        .loadUser, .userState, .settle, .applyControl, .createSession, .refreshSession, .throttle, .redeem,
    ]

    /// Those of a rebuild. They run while the shard is closed, so the owner sends them whole (EVAL): nobody can call a script
    /// by its digest then, and what EVAL leaves in Redis's cache is only the script that it ran.
    public static let rebuilding: [Script] = [.beginEpoch, .loadCoupon, .writeShard]

    /// The script as it is loaded into a Redis. `redeem` names the Redis in its last line, so that it has another digest in each.
    ///
    /// A script that was loaded stays until Redis ends or is told to forget it: also in a primary that becomes a replica, and
    /// when that one is made a primary again (tried with Redis 7.0.15, by partial and by full synchronization). It is then found
    /// under its old name, which nobody asks for any more: with the promotion the id has changed. Nor does it open another Redis
    /// than the one that was verified when an owner loads it there by mistake, because Redis was replaced in between.
    package func source(in redis: ReplicationID) -> String {
        switch self {
        case .redeem: "\(source)-- \(redis)\n"
        case .loadUser, .userState, .settle, .applyControl, .createSession, .refreshSession, .throttle, .beginEpoch, .loadCoupon,
            .writeShard:
            source
        }
    }

    /// The name under which a Redis has the script.
    package func sha1(in redis: ReplicationID) -> String {
        switch self {
        case .redeem: Script.sha1(of: Array(source(in: redis).utf8))
        case .loadUser, .userState, .settle, .applyControl, .createSession, .refreshSession, .throttle, .beginEpoch, .loadCoupon,
            .writeShard:
            sha1
        }
    }

    /// The call of a script that is loaded. NOSCRIPT means that the shard is closed.
    func call(keys: [String], arguments: [RESPArgument]) -> [RESPArgument] {
        (["EVALSHA", sha1, String(keys.count)] + keys).asArguments + arguments
    }

    func call(keys: [String], arguments: [String] = []) -> [String] {
        ["EVALSHA", sha1, String(keys.count)] + keys + arguments
    }

    /// The script itself, for one that is not loaded.
    func evaluation(keys: [String], arguments: [String]) -> [String] {
        ["EVAL", source, String(keys.count)] + keys + arguments
    }
}
