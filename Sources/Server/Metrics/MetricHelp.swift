/// The names of the metrics and what they mean.
enum MetricHelp {
    static let redemptions = "redeem_redemptions_total"
    static let duration = "redeem_http_request_duration_seconds"
    static let outboxLength = "redeem_outbox_length"
    static let shardOpen = "redeem_shard_open"
    static let userLoads = "redeem_user_loads_total"
    static let connections = "redeem_http_connections"
    static let logins = "redeem_logins_total"
    static let refreshes = "redeem_refreshes_total"
    static let sessionsRevoked = "redeem_sessions_revoked_total"

    static let texts = [
        redemptions: "Redemption requests by outcome.",
        duration: "Time from a request's head to its answer, by route.",
        outboxLength: "Entries in the shard's outbox that are not yet settled.",
        shardOpen: "1 where the shard takes redemptions.",
        userLoads: "Users read from Postgres into Redis, by outcome.",
        connections: "Open client connections.",
        logins: "Logins by outcome.",
        refreshes: "Exchanges of a refresh token by outcome; reused: one was stolen.",
        sessionsRevoked: "Sessions that were ended before their time.",
        "redeem_sync_lag_seconds": "Age of the oldest decision that is not yet in Postgres.",
        "redeem_drift": "Violations of an invariant that the last comparison of Redis and Postgres saw.",
        "redeem_reconcile_runs_total": "Comparisons of Redis and Postgres by outcome.",
        "redeem_reconcile_finished_timestamp_seconds": "Unix time of the end of the last comparison.",
        "process_start_time_seconds": "Unix time of the start of the process.",
        "process_resident_memory_bytes": "Resident memory.",
        "process_cpu_seconds_total": "Time on a processor, user and system.",
        "process_open_fds": "Open file descriptors.",
    ]
}
