internal import Foundation

/// The names of all settings. `ConfigReader.text` reads no other, and a name that is set but not listed here is an error.
/// Otherwise a slip in a name would leave a setting unset, and nobody would notice.
enum SettingNames {
    /// Keys of the reader; `redis.url` is `REDEEM_REDIS_URL`.
    static let keys: Set<String> = [
        "code.key", "config", "durability", "http.event_loops", "http.host", "http.port", "http.trusted_proxies", "http.url",
        "import.from", "ledger.timeout_ms", "log.level", "login.address_burst", "login.address_interval_s",
        "login.username_burst", "login.username_interval_s", "ops.host", "ops.port", "outbox.entries",
        "postgres.acquire_timeout_ms", "postgres.connections", "postgres.statement_timeout_ms", "postgres.url",
        "redis.connect_timeout_ms", "redis.deadline_ms", "redis.memory_percent", "redis.pending_limit", "redis.replicas",
        "redis.replication_timeout_ms", "redis.url", "scrypt.log_n", "session.absolute_s", "session.grace_s", "session.idle_s",
        "session.per_user", "shutdown.delay_s", "shutdown.limit_s", "sync.entries_per_batch", "sync.ops_port",
        "sync.owner_silence_ms", "sync.reconcile_interval_s", "token.audience", "token.issuer", "token.key",
        "token.lifetime_s", "token.other_keys",
    ]

    /// Variables of the tools that build and measure the program, which therefore may find them in its environment.
    private static let tooling: Set<String> = [
        "REDEEM_COUPON", "REDEEM_CODE", "REDEEM_EXPECT", "REDEEM_FILLER", "REDEEM_PROGRAM_ONLY", "REDEEM_PROMTOOL",
        "REDEEM_PUBLISH",
        "REDEEM_REQUESTS", "REDEEM_SEED_PERCENT", "REDEEM_SIMULATION_SEED", "REDEEM_SIMULATION_SEEDS", "REDEEM_STORM_SECONDS",
        "REDEEM_TEST_REDIS",
        "REDEEM_TOKENS",
        "REDEEM_WARNINGS_AS_ERRORS", "REDEEM_WRK_THREADS",
    ]

    private static let prefix = "REDEEM_"
    private static let variables = Set(keys.map(variable))

    static func variable(_ key: String) -> String {
        prefix + key.uppercased().replacing(".", with: "_")
    }

    /// The fault of a name that is set; `nil` if it is a setting or has nothing to do with the program.
    static func fault(of name: String, value: String) -> (problem: String, remedy: String)? {
        if variables.contains(name) || tooling.contains(name) || isServiceLink(name, value) { return nil }
        let nearest = variables.map { (name: $0, distance: distance(name.uppercased(), $0)) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        let close = nearest.flatMap { $0.distance <= max(2, name.count / 5) ? $0.name : nil }
        // The name of another program counts as ours if only one or two letters keep it from one of ours.
        guard name.hasPrefix(prefix) || (close != nil && (nearest?.distance ?? .max) <= 2) else { return nil }
        return (
            "there is no setting \(name)",
            close.map { "did you mean \($0)? All of them are in docs/OPERATIONS.md" }
                ?? "take it away; all settings are in docs/OPERATIONS.md"
        )
    }

    /// The setting that a foreign name in the settings file probably means: `LOG_LEVEL` means `REDEEM_LOG_LEVEL`, also with a
    /// letter too many, too few or wrong. `nil`: the line is another program's.
    static func meant(by name: String) -> String? {
        guard !name.hasPrefix(prefix) else { return nil }
        let name = prefix + name.uppercased()
        return variables.subtracting([variable("config")]).sorted().first { distance(name, $0) <= 1 }
    }

    /// Kubernetes sets the addresses of all services in each container, such as REDEEM_SERVICE_HOST and REDEEM_PORT_8080_TCP for
    /// a service called `redeem`. Docker does so for links.
    private static func isServiceLink(_ name: String, _ value: String) -> Bool {
        name.wholeMatch(of: /REDEEM_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)/) != nil
            || (name.hasSuffix("_PORT") && value.contains("://"))
    }

    /// How many letters must be added, taken away, replaced or swapped with their neighbour to turn one name into the other.
    private static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        var before: [Int] = []
        var above = Array(0...other.count)
        for row in one.indices {
            var current = [row + 1]
            for column in other.indices {
                let isSame = one[row] == other[column]
                var least = min(above[column + 1] + 1, current[column] + 1, above[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    least = min(least, before[column - 1] + 1)
                }
                current.append(least)
            }
            (before, above) = (above, current)
        }
        return above[other.count]
    }
}
