/// The one list of metrics of Redeem's processes: their names, and what `/metrics` and docs/API.md say of them.
public enum Metric: String, CaseIterable, Sendable {
    // Servers have these.
    case redemptions = "redeem_redemptions_total"
    case duration = "redeem_http_request_duration_seconds"
    case connections = "redeem_http_connections"
    case connectionsAllowed = "redeem_http_connections_allowed"
    case logins = "redeem_logins_total"
    case refreshes = "redeem_refreshes_total"
    case sessionsRevoked = "redeem_sessions_revoked_total"
    case userLoads = "redeem_user_loads_total"
    case shardOpen = "redeem_shard_open"
    case outboxLength = "redeem_outbox_length"
    // Workers have these.
    case shardOwner = "redeem_shard_owner"
    case syncLag = "redeem_sync_lag_seconds"
    case syncLanded = "redeem_sync_landed_total"
    case syncQuarantined = "redeem_sync_quarantined_total"
    case outboxMissing = "redeem_outbox_missing_entries"
    case replayRefused = "redeem_redis_replay_refused"
    case syncFailures = "redeem_sync_failures_total"
    case quarantine = "redeem_quarantine_entries"
    case postgresWentBack = "redeem_sync_postgres_went_back_total"
    case everybodyLoggedOut = "redeem_sync_everybody_logged_out_total"
    case controlUnreadable = "redeem_sync_control_unreadable_total"
    case shardRebuilds = "redeem_shard_rebuilds_total"
    case drift = "redeem_drift"
    case reconcileRuns = "redeem_reconcile_runs_total"
    case reconcileFinished = "redeem_reconcile_finished_timestamp_seconds"
    // Both have these.
    case redisConnectionsLost = "redeem_redis_connections_lost_total"
    case redisDeadlinesExceeded = "redeem_redis_deadlines_exceeded_total"
    case redisLateReplies = "redeem_redis_late_replies_total"
    case buildInfo = "redeem_build_info"
    case processCPU = "process_cpu_seconds_total"
    case processMemory = "process_resident_memory_bytes"
    case processFiles = "process_open_fds"
    case processFilesAllowed = "process_max_fds"
    case processStart = "process_start_time_seconds"

    public enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    /// The processes that have a metric.
    public enum Origin: Sendable {
        case server
        case worker
        case both
    }

    public var name: String { rawValue }
    public var kind: Kind { facts.kind }
    public var origin: Origin { facts.origin }
    public var labels: [String] { facts.labels }
    public var help: String { facts.help }

    private var facts: (kind: Kind, origin: Origin, labels: [String], help: String) {
        switch self {
        case .redemptions: (.counter, .server, ["outcome"], "Redemption requests by outcome.")
        case .duration: (.histogram, .server, ["route"], "Time from a request's head to its answer, by route.")
        case .connections: (.gauge, .server, [], "Open client connections.")
        case .connectionsAllowed: (.gauge, .server, [], "Client connections that there may be at once; further ones wait.")
        case .logins: (.counter, .server, ["outcome"], "Logins by outcome.")
        case .refreshes:
            (.counter, .server, ["outcome"], "Exchanges of a refresh token by outcome; reused: one was stolen.")
        case .sessionsRevoked: (.counter, .server, [], "Sessions that this process ended before their time.")
        case .userLoads: (.counter, .server, ["outcome"], "Users read from Postgres into Redis, by outcome.")
        case .shardOpen: (.gauge, .server, ["shard"], "1 where the shard takes redemptions, as this server sees it.")
        case .outboxLength: (.gauge, .server, ["shard"], "Entries in the shard's outbox that are not yet settled.")
        case .shardOwner: (.gauge, .worker, ["shard"], "1 where this worker owns the shard, 0 where it waits to.")
        case .syncLag: (.gauge, .worker, ["shard"], "Age of the oldest redemption when it landed in Postgres.")
        case .syncLanded: (.counter, .worker, ["shard"], "Redemptions that landed in Postgres.")
        case .syncQuarantined: (.counter, .worker, ["shard"], "Redemptions that this worker put into quarantine.")
        case .syncFailures: (.counter, .worker, ["shard"], "Failures after which the owner began again.")
        case .quarantine: (.gauge, .worker, ["shard"], "What is in quarantine and waits for a decision, as the owner sees it.")
        case .postgresWentBack: (.counter, .worker, ["shard"], "Times that Postgres was found older than Redis.")
        case .everybodyLoggedOut: (.counter, .worker, ["shard"], "Times that all sessions were ended, being of another time.")
        case .controlUnreadable: (.counter, .worker, ["shard"], "Entries of the control log that could not be read.")
        case .outboxMissing: (.gauge, .worker, ["shard"], "Entries that somebody deleted from the outbox since the last rebuild.")
        case .replayRefused:
            (.gauge, .worker, ["shard"], "Rights that Redis's user default lacks to read the append-only file back.")
        case .shardRebuilds: (.counter, .worker, ["shard", "reason"], "Rebuilds of the shard from Postgres by reason.")
        case .drift:
            (
                .gauge, .worker, ["shard", "invariant"],
                "Violations of an invariant that the last comparison of Redis and Postgres saw."
            )
        case .reconcileRuns: (.counter, .worker, ["shard", "outcome"], "Comparisons of Redis and Postgres by outcome.")
        case .reconcileFinished: (.gauge, .worker, ["shard"], "Unix time of the end of the last comparison; 0: none yet.")
        case .redisConnectionsLost: (.counter, .both, ["client"], "Connections to Redis that were in use and ended unasked.")
        case .redisDeadlinesExceeded: (.counter, .both, ["client"], "Commands that Redis did not answer in time.")
        case .redisLateReplies: (.counter, .both, ["client"], "Replies of Redis that came after their deadline.")
        case .buildInfo: (.gauge, .both, ["version"], "Always 1; the label is the version of the program.")
        case .processCPU: (.counter, .both, [], "Time on a processor, user and system.")
        case .processMemory: (.gauge, .both, [], "Resident memory.")
        case .processFiles: (.gauge, .both, [], "Open file descriptors.")
        case .processFilesAllowed: (.gauge, .both, [], "File descriptors that may be open.")
        case .processStart: (.gauge, .both, [], "Unix time of the start of the process.")
        }
    }
}
