internal import Configuration
internal import Credentials
internal import Domain
internal import HotPath
internal import RedisClient
internal import Server
internal import Sync

extension ConfigReader {
    func durability() throws -> Durability? {
        try value("durability", Durability.list) { Durability(rawValue: $0) }
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | http.host | REDEEM_HTTP_HOST | 127.0.0.1 |
/// | http.port | REDEEM_HTTP_PORT | 8080 |
/// | http.event_loops (threads that answer redemptions) | REDEEM_HTTP_EVENT_LOOPS | half of the processors, at most 3 |
/// | ops.host | REDEEM_OPS_HOST | 127.0.0.1 |
/// | ops.port | REDEEM_OPS_PORT | 9090 |
/// | durability | REDEEM_DURABILITY | local |
/// | ledger.timeout_ms (of an answer of durability `ledger`) | REDEEM_LEDGER_TIMEOUT_MS | 5000 |
/// | token.lifetime_s | REDEEM_TOKEN_LIFETIME_S | 300 |
/// | http.trusted_proxies (addresses, networks) | REDEEM_HTTP_TRUSTED_PROXIES | none |
/// | session.idle_s | REDEEM_SESSION_IDLE_S | 1209600 (14 days) |
/// | session.absolute_s | REDEEM_SESSION_ABSOLUTE_S | 7776000 (90 days) |
/// | session.grace_s | REDEEM_SESSION_GRACE_S | 10 |
/// | session.per_user | REDEEM_SESSION_PER_USER | 100 |
/// | login.username_burst | REDEEM_LOGIN_USERNAME_BURST | 10 |
/// | login.username_interval_s | REDEEM_LOGIN_USERNAME_INTERVAL_S | 60 |
/// | login.address_burst | REDEEM_LOGIN_ADDRESS_BURST | 50 |
/// | login.address_interval_s | REDEEM_LOGIN_ADDRESS_INTERVAL_S | 5 |
/// | shutdown.delay_s | REDEEM_SHUTDOWN_DELAY_S | 0 |
extension ServerConfiguration {
    /// - Parameter warn: gets what an operator should know, though it keeps nothing from starting.
    init(_ reader: ConfigReader, warn: (String) -> Void) throws {
        let host = try reader.host("http.host") ?? "127.0.0.1"
        self.init(tokenKeys: try TokenKeys(reader, host: host, warn: warn), codeKey: try ServiceKey.code(reader))
        self.host = host
        tokenParties = try TokenParties(reader)
        port = try reader.count("http.port", in: 0...65_535) ?? port
        eventLoops = try reader.count("http.event_loops", in: 1...256) ?? eventLoops
        opsHost = try reader.host("ops.host") ?? opsHost
        opsPort = try reader.count("ops.port", in: 0...65_535) ?? opsPort
        durability = try reader.durability() ?? durability
        limits.ledgerTimeout = try reader.milliseconds("ledger.timeout_ms") ?? limits.ledgerTimeout
        tokenLifetimeSeconds = try reader.count("token.lifetime_s", in: 1...86_400) ?? tokenLifetimeSeconds
        sessions = try SessionLimits(reader)
        loginsPerUsername = try LoginRate(reader, "login.username", loginsPerUsername)
        loginsPerAddress = try LoginRate(reader, "login.address", loginsPerAddress)
        let proxies = "a list of addresses and networks, such as 10.0.0.0/8,::1"
        trustedProxies = try reader.value("http.trusted_proxies", proxies) { TrustedProxies($0) } ?? trustedProxies
        shutdownDelay = try reader.count("shutdown.delay_s", in: 0...300).map { .seconds($0) } ?? shutdownDelay
        passwords = try PasswordHasher.Configuration(reader)
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | outbox.entries (nothing is accepted beyond) | REDEEM_OUTBOX_ENTRIES | 1000000 |
/// | redis.memory_percent (of maxmemory; nothing is accepted beyond) | REDEEM_REDIS_MEMORY_PERCENT | 90 |
/// | redis.replicas (that acknowledge, for durability `replicated`) | REDEEM_REDIS_REPLICAS | 1 |
/// | redis.replication_timeout_ms | REDEEM_REDIS_REPLICATION_TIMEOUT_MS | 500: half of redis.deadline_ms |
extension HotPathLimits {
    init(_ reader: ConfigReader) throws {
        self.init()
        outboxEntries = try reader.count("outbox.entries", in: 1...1_000_000_000) ?? outboxEntries
        memoryShare = try reader.count("redis.memory_percent", in: 1...100).map { Double($0) / 100 } ?? memoryShare
        replicas = try reader.count("redis.replicas", in: 1...100) ?? replicas
        // Redis's own answer is to come before the deadline of a command, half of which is the default.
        let deadline = try reader.milliseconds("redis.deadline_ms") ?? RedisConfiguration.defaultCommandDeadline
        let longest = max(1, Int(deadline / .milliseconds(1)) * 9 / 10)
        let timeout = try reader.count("redis.replication_timeout_ms", in: 1...longest)
        replicationTimeout = timeout.map { .milliseconds($0) } ?? max(.milliseconds(1), deadline / 2)
    }
}

extension SessionLimits {
    init(_ reader: ConfigReader) throws {
        self.init()
        let year = 31_536_000
        idle = try reader.count("session.idle_s", in: 1...year).map { .seconds($0) } ?? idle
        absolute = try reader.count("session.absolute_s", in: 1...year).map { .seconds($0) } ?? absolute
        grace = try reader.count("session.grace_s", in: 0...60).map { .seconds($0) } ?? grace
        perUser = try reader.count("session.per_user", in: 1...1000) ?? perUser
    }
}

extension LoginRate {
    init(_ reader: ConfigReader, _ prefix: String, _ standard: LoginRate) throws {
        self.init(
            burst: try reader.count("\(prefix)_burst", in: 1...1_000_000) ?? standard.burst,
            interval: try reader.count("\(prefix)_interval_s", in: 1...86_400).map { .seconds($0) } ?? standard.interval
        )
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | scrypt.log_n (cost: 2^n blocks of memory) | REDEEM_SCRYPT_LOG_N | 17 |
extension PasswordHasher.Configuration {
    init(_ reader: ConfigReader) throws {
        self.init()
        if let logarithm = try reader.count("scrypt.log_n", in: 4...20) {
            cost = ScryptCost(logarithm: logarithm, blockSize: cost.blockSize, parallelism: cost.parallelism)
        }
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | sync.entries_per_batch | REDEEM_SYNC_ENTRIES_PER_BATCH | 1000 |
/// | sync.owner_silence_ms | REDEEM_SYNC_OWNER_SILENCE_MS | 10000 |
/// | sync.ops_port (of a worker: `/livez`, `/metrics`) | REDEEM_SYNC_OPS_PORT | none |
/// | sync.reconcile_interval_s (0: not at all) | REDEEM_SYNC_RECONCILE_INTERVAL_S | 60 |
extension SyncConfiguration {
    init(_ reader: ConfigReader) throws {
        self.init()
        entriesPerBatch = try reader.count("sync.entries_per_batch", in: 1...100_000) ?? entriesPerBatch
        ownerSilence = try reader.milliseconds("sync.owner_silence_ms") ?? ownerSilence
        if let seconds = try reader.count("sync.reconcile_interval_s", in: 0...86_400) {
            reconcileInterval = seconds == 0 ? nil : .seconds(seconds)
        }
    }
}
