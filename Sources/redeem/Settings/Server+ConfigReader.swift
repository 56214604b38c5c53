internal import Configuration
internal import Credentials
internal import Domain
internal import HotPath
internal import RedisClient
internal import Server
internal import Sync

extension ConfigReader {
    func durability() throws -> Durability {
        let standard = ServerConfiguration.defaultDurability.rawValue
        return try value("durability", Durability.list, default: standard) { Durability(rawValue: $0) }
    }

    /// The address that the API listens on.
    func apiHost() throws -> String { try host("http.host", default: ServerConfiguration.defaultHost) }

    /// The address of the operations port, of a server and of a worker.
    func operationsHost() throws -> String { try host("ops.host", default: ServerConfiguration.defaultOpsHost) }

    /// The URL that `redeem health` asks.
    func serverURL() -> String { text("http.url", default: ServerConfiguration.defaultURL) }
}

extension ServerConfiguration {
    /// - Parameter warn: gets messages for the operator that do not keep the server from starting.
    init(_ reader: ConfigReader, warn: (String) -> Void) throws {
        let host = try reader.apiHost()
        self.init(tokenKeys: try TokenKeys(reader, host: host, warn: warn), codeKey: try ServiceKey.code(reader))
        self.host = host
        tokenParties = try TokenParties(reader)
        port = try reader.count("http.port", in: 0...65_535, default: port)
        eventLoops = try reader.count("http.event_loops", in: 1...256, default: eventLoops)
        opsHost = try reader.operationsHost()
        opsPort = try reader.count("ops.port", in: 0...65_535, default: opsPort)
        durability = try reader.durability()
        limits.ledgerTimeout = try reader.milliseconds("ledger.timeout_ms", default: limits.ledgerTimeout)
        tokenLifetimeSeconds = try reader.count("token.lifetime_s", in: 1...86_400, default: tokenLifetimeSeconds)
        sessions = try SessionLimits(reader)
        loginsPerUsername = try LoginRate(reader, "login.username", loginsPerUsername)
        loginsPerAddress = try LoginRate(reader, "login.address", loginsPerAddress)
        let proxies = "a list of addresses and networks, such as 10.0.0.0/8,::1"
        trustedProxies = try reader.value("http.trusted_proxies", proxies) { TrustedProxies($0) } ?? trustedProxies
        shutdownDelay = try reader.seconds("shutdown.delay_s", in: 0...300, default: shutdownDelay)
        passwords = try PasswordHasher.Configuration(reader)
    }
}

extension HotPathLimits {
    init(_ reader: ConfigReader) throws {
        self.init()
        outboxEntries = try reader.count("outbox.entries", in: 1...1_000_000_000, default: outboxEntries)
        let percent = Int((memoryShare * 100).rounded())
        memoryShare = Double(try reader.count("redis.memory_percent", in: 1...100, default: percent)) / 100
        replicas = try reader.count("redis.replicas", in: 1...100, default: replicas)
        // Redis's own answer must come before the deadline of a command. Half of that deadline is the default.
        let deadline = try RedisConfiguration.commandDeadline(reader)
        let longest = max(1, Int(deadline / .milliseconds(1)) * 9 / 10)
        replicationTimeout = try reader.milliseconds(
            "redis.replication_timeout_ms",
            in: 1...longest,
            default: max(.milliseconds(1), deadline / 2)
        )
    }
}

extension SessionLimits {
    init(_ reader: ConfigReader) throws {
        self.init()
        let year = 31_536_000
        idle = try reader.seconds("session.idle_s", in: 1...year, default: idle)
        absolute = try reader.seconds("session.absolute_s", in: 1...year, default: absolute)
        grace = try reader.seconds("session.grace_s", in: 0...60, default: grace)
        perUser = try reader.count("session.per_user", in: 1...1000, default: perUser)
    }
}

extension LoginRate {
    init(_ reader: ConfigReader, _ prefix: String, _ standard: LoginRate) throws {
        self.init(
            burst: try reader.count("\(prefix)_burst", in: 1...1_000_000, default: standard.burst),
            interval: try reader.seconds("\(prefix)_interval_s", in: 1...86_400, default: standard.interval)
        )
    }
}

extension PasswordHasher.Configuration {
    init(_ reader: ConfigReader) throws {
        self.init()
        let logarithm = try reader.count("scrypt.log_n", in: 4...20, default: cost.logarithm)
        cost = ScryptCost(logarithm: logarithm, blockSize: cost.blockSize, parallelism: cost.parallelism)
    }
}

extension SyncConfiguration {
    init(_ reader: ConfigReader) throws {
        self.init()
        entriesPerBatch = try reader.count("sync.entries_per_batch", in: 1...100_000, default: entriesPerBatch)
        ownerSilence = try reader.milliseconds("sync.owner_silence_ms", default: ownerSilence)
        // 0: the owner does not compare the stores by itself.
        let interval = try reader.seconds("sync.reconcile_interval_s", in: 0...86_400, default: reconcileInterval ?? .zero)
        reconcileInterval = interval == .zero ? nil : interval
    }
}
