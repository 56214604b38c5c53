internal import Configuration
internal import Domain
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Telemetry
internal import Terminal

/// | key | variable | default |
/// |---|---|---|
/// | redis.url | REDEEM_REDIS_URL | none |
/// | redis.deadline_ms | REDEEM_REDIS_DEADLINE_MS | 1000 |
/// | redis.connect_timeout_ms | REDEEM_REDIS_CONNECT_TIMEOUT_MS | 1000 |
/// | redis.pending_limit (commands a connection) | REDEEM_REDIS_PENDING_LIMIT | 10000 |
extension RedisConfiguration {
    init(_ reader: ConfigReader) throws {
        let url = try reader.required("redis.url", flag: "--redis-url", example: "redis://127.0.0.1:6379")
        do {
            self.init(endpoint: try RedisEndpoint(url: url))
        } catch {
            let forms = "redis://[user:password@]host[:port][/db] or sentinel://[user:password@]host[:port],…/primary[/db]"
            throw UsageError("REDEEM_REDIS_URL: \(error)", remedy: "write it as \(forms)")
        }
        commandDeadline = try reader.milliseconds("redis.deadline_ms") ?? commandDeadline
        connectTimeout = try reader.milliseconds("redis.connect_timeout_ms") ?? connectTimeout
        pendingLimit = try reader.count("redis.pending_limit", in: 1...1_000_000) ?? pendingLimit
        counterNames.connectionsLost = Metric.redisConnectionsLost.name
        counterNames.deadlinesExceeded = Metric.redisDeadlinesExceeded.name
        counterNames.lateReplies = Metric.redisLateReplies.name
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | postgres.url | REDEEM_POSTGRES_URL | none |
/// | postgres.connections (of the pool) | REDEEM_POSTGRES_CONNECTIONS | 8 |
/// | postgres.acquire_timeout_ms | REDEEM_POSTGRES_ACQUIRE_TIMEOUT_MS | 5000 |
/// | postgres.statement_timeout_ms | REDEEM_POSTGRES_STATEMENT_TIMEOUT_MS | 30000 |
extension PostgresConfiguration {
    init(_ reader: ConfigReader) throws {
        let example = "postgres://redeem:PASSWORD@127.0.0.1:5432/redeem"
        self.init(url: try reader.required("postgres.url", flag: "--postgres-url", example: example))
        try checkURL("postgres.url")
        maximumConnections = try reader.count("postgres.connections", in: 1...100) ?? maximumConnections
        acquireTimeout = try reader.milliseconds("postgres.acquire_timeout_ms") ?? acquireTimeout
        statementTimeout = try reader.milliseconds("postgres.statement_timeout_ms") ?? statementTimeout
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | import.from (the Postgres of the service that is left) | REDEEM_IMPORT_FROM | none |
extension PostgresConfiguration {
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
