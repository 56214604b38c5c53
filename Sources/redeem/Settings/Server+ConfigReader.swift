internal import Configuration
internal import Domain
internal import Server
internal import Sync

extension ConfigReader {
    func durability() throws -> Durability? {
        try value("durability", Durability.allCases.map(\.rawValue).joined(separator: " or ")) { Durability(rawValue: $0) }
    }
}

/// | key | variable | default |
/// |---|---|---|
/// | http.host | REDEEM_HTTP_HOST | 127.0.0.1 |
/// | http.port | REDEEM_HTTP_PORT | 8080 |
/// | ops.host | REDEEM_OPS_HOST | 127.0.0.1 |
/// | ops.port | REDEEM_OPS_PORT | 9090 |
/// | durability | REDEEM_DURABILITY | local |
/// | token.lifetime_s | REDEEM_TOKEN_LIFETIME_S | 300 |
/// | session.idle_s | REDEEM_SESSION_IDLE_S | 1209600 (14 days) |
/// | shutdown.delay_s | REDEEM_SHUTDOWN_DELAY_S | 0 |
extension ServerConfiguration {
    init(_ reader: ConfigReader) throws {
        self.init(tokenKey: try ServiceKey.token(reader), codeKey: try ServiceKey.code(reader))
        host = reader.text("http.host") ?? host
        port = try reader.count("http.port", in: 0...65_535) ?? port
        opsHost = reader.text("ops.host") ?? opsHost
        opsPort = try reader.count("ops.port", in: 0...65_535) ?? opsPort
        durability = try reader.durability() ?? durability
        tokenLifetimeSeconds = try reader.count("token.lifetime_s", in: 1...86_400) ?? tokenLifetimeSeconds
        sessionIdleLifetime = try reader.count("session.idle_s", in: 1...31_536_000).map { .seconds($0) } ?? sessionIdleLifetime
        shutdownDelay = try reader.count("shutdown.delay_s", in: 0...300).map { .seconds($0) } ?? shutdownDelay
        passwords = try PasswordHasher.Configuration(reader)
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
extension SyncConfiguration {
    init(_ reader: ConfigReader) throws {
        self.init()
        entriesPerBatch = try reader.count("sync.entries_per_batch", in: 1...100_000) ?? entriesPerBatch
        ownerSilence = try reader.milliseconds("sync.owner_silence_ms") ?? ownerSilence
    }
}
