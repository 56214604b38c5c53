/// A fault that a run can make. Its name is the one in `redeem-torture --faults` and in reports.
enum Fault: String, Sendable, Hashable, Codable, CaseIterable {
    // Processes of the service
    case serverKill = "server-kill"
    case serverStop = "server-stop"
    case serverTerm = "server-term"
    case syncKill = "sync-kill"
    case syncStop = "sync-stop"
    case syncTerm = "sync-term"
    // Redis
    case redisKill = "redis-kill"
    case redisStop = "redis-stop"
    case redisRestart = "redis-restart"
    case redisHarden = "redis-harden"
    case flushAll = "flushall"
    case scriptFlush = "script-flush"
    case aofRemoved = "aof-removed"
    case aofOlder = "aof-older"
    case aofTruncated = "aof-truncated"
    case redisFull = "redis-full"
    case redisDiskFull = "redis-disk-full"
    // Redis, its replica and their Sentinel
    case redisFailover = "redis-failover"
    case redisFailoverBehind = "redis-failover-behind"
    case redisSwitch = "redis-switch"
    case replicaKill = "replica-kill"
    case replicaStop = "replica-stop"
    case sentinelStop = "sentinel-stop"
    // Postgres
    case postgresKill = "postgres-kill"
    case postgresStop = "postgres-stop"
    case postgresRestart = "postgres-restart"
    case postgresOlder = "postgres-older"
    // Links
    case clientReset = "client-reset"
    case clientBytewise = "client-bytewise"
    case clientLostReplies = "client-lost-replies"
    case serverRedisReset = "server-redis-reset"
    case serverRedisHalfOpen = "server-redis-half-open"
    case serverRedisLatency = "server-redis-latency"
    case serverRedisBytewise = "server-redis-bytewise"
    case serverRedisLostReplies = "server-redis-lost-replies"
    case serverPostgresReset = "server-postgres-reset"
    case serverPostgresLatency = "server-postgres-latency"
    case syncRedisReset = "sync-redis-reset"
    case syncRedisHalfOpen = "sync-redis-half-open"
    case syncRedisLostReplies = "sync-redis-lost-replies"
    case syncPostgresReset = "sync-postgres-reset"
    case syncPostgresHalfOpen = "sync-postgres-half-open"
    case syncPostgresBytewise = "sync-postgres-bytewise"
    case syncPostgresLostReplies = "sync-postgres-lost-replies"
    case operatorLostReplies = "operator-lost-replies"

    /// A description for `--help` and reports.
    var text: String {
        switch self {
        case .serverKill: "kill -9 one `redeem serve`"
        case .serverStop: "SIGSTOP one `redeem serve`, SIGCONT it later"
        case .serverTerm: "SIGTERM one `redeem serve` under load; it must exit with 0"
        case .syncKill: "kill -9 the owner of the shard"
        case .syncStop: "SIGSTOP the owner until another worker is the owner, SIGCONT it later"
        case .syncTerm: "SIGTERM the owner; it must exit with 0"
        case .redisKill: "kill -9 Redis"
        case .redisStop: "SIGSTOP Redis past the deadline of a command"
        case .redisRestart: "stop Redis in order, and start it"
        case .redisHarden:
            "give Redis and its replica the users that `redeem doctor --print-redis-acl` prints, with `default` off, and restart it"
        case .flushAll: "FLUSHALL"
        case .scriptFlush: "SCRIPT FLUSH"
        case .aofRemoved: "kill -9 Redis and remove its append-only file"
        case .aofOlder: "kill -9 Redis and put an older append-only file back"
        case .aofTruncated: "kill -9 Redis and cut off the end of its append-only file"
        case .redisFull: "Redis at maxmemory"
        case .redisDiskFull: "Redis's append-only file can grow by some kilobytes only; it ends itself where it must write first"
        case .redisFailover:
            "kill -9 Redis; the Sentinel promotes the replica, and makes a replica of the old one when it is back"
        case .redisFailoverBehind: "the same, with a replica that was down for a while and lacks what came meanwhile"
        case .redisSwitch: "the Sentinel promotes the replica while the primary is alive and takes commands"
        case .replicaKill: "kill -9 the replica"
        case .replicaStop: "SIGSTOP the replica"
        case .sentinelStop: "SIGSTOP the Sentinel"
        case .postgresKill: "kill -9 Postgres"
        case .postgresStop: "SIGSTOP Postgres"
        case .postgresRestart: "stop Postgres in order, and start it"
        case .postgresOlder: "dump Postgres, go on, act as an operator, and put the dump back beside everything that runs"
        case .clientReset: "reset the clients' connections"
        case .clientBytewise: "one byte at a time between clients and server"
        case .clientLostReplies: "the servers' answers are lost"
        case .serverRedisReset: "reset the connections of a server to Redis, again and again"
        case .serverRedisHalfOpen: "nothing comes through from Redis to a server"
        case .serverRedisLatency: "latency between a server and Redis"
        case .serverRedisBytewise: "one byte at a time between a server and Redis"
        case .serverRedisLostReplies: "Redis's replies to a server are lost"
        case .serverPostgresReset: "reset the connections of a server to Postgres"
        case .serverPostgresLatency: "latency between a server and Postgres"
        case .syncRedisReset: "reset the owner's connections to Redis, again and again"
        case .syncRedisHalfOpen: "nothing comes through from Redis to the owner"
        case .syncRedisLostReplies: "Redis's replies to the owner are lost"
        case .syncPostgresReset: "reset the owner's connections to Postgres, again and again"
        case .syncPostgresHalfOpen: "nothing goes through between the owner and Postgres"
        case .syncPostgresBytewise: "one byte at a time between the owner and Postgres"
        case .syncPostgresLostReplies: "Postgres's replies to the owner are lost, those to COMMIT among them"
        case .operatorLostReplies: "Postgres's replies to operators are lost, those to COMMIT among them"
        }
    }

    /// The part that a fault is about. Two faults at once are about different parts.
    enum Part: Sendable, Hashable {
        case server
        case sync
        case redis
        case postgres
        case clients
        case operators
    }

    var part: Part {
        switch self {
        case .serverKill, .serverStop, .serverTerm, .serverRedisReset, .serverRedisHalfOpen, .serverRedisLatency,
            .serverRedisBytewise, .serverRedisLostReplies, .serverPostgresReset, .serverPostgresLatency:
            .server
        case .syncKill, .syncStop, .syncTerm, .syncRedisReset, .syncRedisHalfOpen, .syncRedisLostReplies, .syncPostgresReset,
            .syncPostgresHalfOpen, .syncPostgresBytewise, .syncPostgresLostReplies:
            .sync
        case .redisKill, .redisStop, .redisRestart, .redisHarden, .flushAll, .scriptFlush, .aofRemoved, .aofOlder, .aofTruncated,
            .redisFull,
            .redisDiskFull, .redisFailover, .redisFailoverBehind, .redisSwitch, .replicaKill, .replicaStop, .sentinelStop:
            .redis
        case .postgresKill, .postgresStop, .postgresRestart, .postgresOlder: .postgres
        case .clientReset, .clientBytewise, .clientLostReplies: .clients
        case .operatorLostReplies: .operators
        }
    }
}
