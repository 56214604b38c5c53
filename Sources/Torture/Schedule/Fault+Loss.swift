internal import Domain

/// How much a fault may take with it under a mode.
enum PermittedLoss: Hashable, Sendable {
    case nothing
    /// What Redis decided and Postgres did not have yet: the fault destroys what the mode relies on.
    case unlanded
    /// What Redis decided in the last moments, and Postgres did not have yet.
    case lastSeconds(Int)
}

extension Fault {
    /// Seconds that a kill of Redis may lose where its append-only file is written each second: one that is being written, and
    /// one that waits for it.
    static let relaxedSeconds = 2

    /// Seconds that a replica that follows its primary may be behind it; measured on one machine it is milliseconds.
    static let replicaSeconds = 2

    func permittedLoss(_ mode: Durability) -> PermittedLoss {
        switch self {
        // The file that the modes without a ledger rely on is gone, or is another one.
        case .flushAll, .aofRemoved, .aofOlder, .aofTruncated: .unlanded
        case .redisKill:
            switch mode {
            case .relaxed, .ledger: .lastSeconds(Fault.relaxedSeconds)
            case .local, .replicated: .nothing
            }
        // What the replica had not got yet. It is as good as nothing where it follows, and all since it was down where it does not.
        case .redisFailover, .redisSwitch: .lastSeconds(Fault.replicaSeconds)
        case .redisFailoverBehind: .unlanded
        // What Postgres had since the dump. Redis has it still, so it goes to quarantine (`Checker.kept`).
        case .postgresOlder: .unlanded
        case .serverKill, .serverStop, .serverTerm, .syncKill, .syncStop, .syncTerm, .redisStop, .redisRestart, .redisHarden,
            .scriptFlush,
            .redisFull, .postgresKill, .postgresStop, .postgresRestart, .clientReset, .clientBytewise, .clientLostReplies,
            .serverRedisReset, .serverRedisHalfOpen, .serverRedisLatency, .serverRedisBytewise, .serverRedisLostReplies,
            .serverPostgresReset, .serverPostgresLatency, .syncRedisReset, .syncRedisHalfOpen, .syncRedisLostReplies,
            .syncPostgresReset, .syncPostgresHalfOpen, .syncPostgresBytewise, .syncPostgresLostReplies, .operatorLostReplies,
            .redisDiskFull, .replicaKill, .replicaStop, .sentinelStop:
            .nothing
        }
    }

    /// Whether what it may take may have been acknowledged. Sessions, and decisions that nobody was told of, it may take in
    /// any case.
    func mayTakeAcknowledged(_ mode: Durability) -> Bool {
        switch mode {
        case .relaxed, .local: true
        // A replica that takes over has all that was answered.
        case .replicated: ![.redisFailover, .redisSwitch, .redisFailoverBehind].contains(self)
        // It relies on Postgres to keep what it has committed.
        case .ledger: self == .postgresOlder
        }
    }

    /// The time of which decisions may be lost.
    /// - Parameters:
    ///   - landed: the cursor's last id that was seen in Postgres before the fault began, as a moment.
    ///   - until: when what could be lost was gone.
    func loss(_ mode: Durability, landed: Moment, until: Moment) -> Loss? {
        switch permittedLoss(mode) {
        case .nothing: nil
        case .unlanded: Loss(from: landed, until: until)
        case .lastSeconds(let seconds):
            Loss(from: max(landed, Moment(microseconds: until.microseconds - Int64(seconds) * 1_000_000)), until: until)
        }
    }
}
