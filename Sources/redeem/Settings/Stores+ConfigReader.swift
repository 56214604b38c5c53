internal import Configuration
internal import Domain
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Telemetry
internal import Terminal

extension RedisConfiguration {
    init(_ reader: ConfigReader) throws {
        let url = try reader.required("redis.url", flag: "--redis-url", example: "redis://127.0.0.1:6379")
        do {
            self.init(endpoint: try RedisEndpoint(url: url))
        } catch {
            let forms =
                "redis://[user:password@]host[:port][/db], sentinel://[user:password@]host[:port],…/primary[/db] "
                + "or cluster://[user:password@]host[:port],…"
            throw UsageError("REDEEM_REDIS_URL: \(error)", remedy: "write it as \(forms)")
        }
        // Where that is a cluster, all keys are in the slot of the one shard.
        slot = HashSlot(of: Shard(index: 0).tag)
        commandDeadline = try RedisConfiguration.commandDeadline(reader)
        connectTimeout = try reader.milliseconds("redis.connect_timeout_ms", default: connectTimeout)
        pendingLimit = try reader.count("redis.pending_limit", in: 1...1_000_000, default: pendingLimit)
        counterNames.connectionsLost = Metric.redisConnectionsLost.name
        counterNames.deadlinesExceeded = Metric.redisDeadlinesExceeded.name
        counterNames.lateReplies = Metric.redisLateReplies.name
    }

    static func commandDeadline(_ reader: ConfigReader) throws -> Duration {
        try reader.milliseconds("redis.deadline_ms", default: defaultCommandDeadline)
    }
}

extension PostgresConfiguration {
    init(_ reader: ConfigReader) throws {
        let example = "postgres://redeem:PASSWORD@127.0.0.1:5432/redeem"
        self.init(url: try reader.required("postgres.url", flag: "--postgres-url", example: example))
        try checkURL("postgres.url")
        maximumConnections = try reader.count("postgres.connections", in: 1...100, default: maximumConnections)
        acquireTimeout = try reader.milliseconds("postgres.acquire_timeout_ms", default: acquireTimeout)
        statementTimeout = try reader.milliseconds("postgres.statement_timeout_ms", default: statementTimeout)
    }
}

extension PostgresConfiguration {
    /// The Postgres of the Flask service that `redeem import flask` reads.
    static func importSource(_ reader: ConfigReader) throws -> PostgresConfiguration {
        let example = "postgres://flask:PASSWORD@old-host:5432/flask"
        let source = PostgresConfiguration(url: try reader.required("import.from", flag: "--from", example: example))
        try source.checkURL("import.from")
        return source
    }

    private func checkURL(_ key: String) throws {
        guard let fault = urlFault else { return }
        throw UsageError(
            "\(ConfigReader.variable(key)): \(fault)",
            remedy: "write it as postgres://user:password@host[:port]/database"
        )
    }
}
