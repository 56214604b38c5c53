import LuaScripts

// A script runs with the rights of its caller (Redis 7.0), so a caller needs what the script's commands need.
extension Script {
    /// The rights that the commands in the script need.
    var rights: RedisRights {
        switch self {
        case .redeem:
            RedisRights(
                (["time"], []),
                (["hmget", "hset"], [.coupon, .users]),
                (["exists"], [.session]),
                (["xlen", "xadd"], [.outbox])
            )
        case .loadUser: RedisRights((["hmget"], [.shard, .users]), (["hset"], [.users]))
        case .userState: RedisRights((["hget"], [.shard]), (["hmget"], [.users]), (["xrange", "xrevrange"], [.outbox]))
        case .settle: RedisRights((["xrange", "xrevrange", "xtrim"], [.outbox]), (["hmget", "hset"], [.shard]))
        case .applyControl: RedisRights((["hmget", "hset"], [.shard, .coupon, .users]), (["del"], [.coupon]))
        case .createSession:
            RedisRights(
                (["time"], []),
                (["exists", "hset"], [.session]),
                (["zremrangebyscore", "zcard", "zrange", "zadd"], [.sessions]),
                (["pexpireat"], [.session, .sessions])
            )
        case .refreshSession:
            RedisRights(
                (["time"], []),
                (["hmget", "hset", "del"], [.session]),
                (["zadd", "zrange", "zrem"], [.sessions]),
                (["pexpireat"], [.session, .sessions])
            )
        case .throttle: RedisRights((["time"], []), (["get", "set", "del"], [.logins]))
        case .beginEpoch:
            RedisRights(
                (["get", "set"], [.fence]),
                (["unlink"], [.outbox, .shard, .users]),
                (["hset"], [.users]),
                (["set"], [.earlierShard])
            )
        case .loadCoupon: RedisRights((["get"], [.fence]), (["exists"], [.shard]), (["del", "hset"], [.coupon]))
        case .writeShard: RedisRights((["get"], [.fence]), (["exists", "hset"], [.shard]))
        }
    }

    /// The keys that its callers name. Redis treats each of them as read and written.
    var keys: [RedisRights.KeyFamily] {
        switch self {
        case .redeem: [.coupon, .outbox, .users, .session]
        case .loadUser: [.shard, .users]
        case .userState: [.shard, .users, .outbox]
        case .settle: [.outbox, .shard]
        case .applyControl: [.shard, .coupon, .users]
        case .createSession, .refreshSession: [.session, .sessions]
        case .throttle: [.logins]
        case .beginEpoch: [.fence, .outbox, .shard, .users, .earlierShard]
        case .loadCoupon: [.fence, .shard, .coupon]
        case .writeShard: [.fence, .shard]
        }
    }
}
