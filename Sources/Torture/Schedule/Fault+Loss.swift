internal import Domain

/// How much a fault may lose under a durability mode.
enum PermittedLoss: Hashable, Sendable {
    case nothing
    /// Decisions of Redis that Postgres did not have yet, because the fault destroys what the mode relies on.
    case unlanded
    /// Decisions of Redis in the last moments that Postgres did not have yet.
    case lastSeconds(Int)
}

extension Fault {
    /// How many seconds a kill of Redis may lose if its append-only file is written each second: one that is being written, and
    /// one that waits for it.
    static let relaxedSeconds = 2

    /// How many seconds a following replica may be behind its primary. On one machine it was milliseconds.
    static let replicaSeconds = 2

    func permittedLoss(_ mode: Durability) -> PermittedLoss {
        switch self {
        // All modes but `ledger` rely on this file, which is gone or is another one now.
        case .flushAll, .aofRemoved, .aofOlder, .aofTruncated: .unlanded
        case .redisKill:
            switch mode {
            case .relaxed, .ledger: .lastSeconds(Fault.relaxedSeconds)
            case .local, .replicated: .nothing
            }
        // A following replica lacks hardly anything. One that was down lacks everything since.
        case .redisFailover, .redisSwitch: .lastSeconds(Fault.replicaSeconds)
        case .redisFailoverBehind: .unlanded
        // Redis still has what Postgres had since the dump, so it goes to quarantine (`Checker.kept`).
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

    /// Whether the loss may contain acknowledged decisions. Sessions, and decisions that nobody was told of, may be lost in any
    /// case.
    func mayTakeAcknowledged(_ mode: Durability) -> Bool {
        switch mode {
        case .relaxed, .local: true
        // A replica that takes over has every redemption that was answered.
        case .replicated: ![.redisFailover, .redisSwitch, .redisFailoverBehind].contains(self)
        // The mode relies on Postgres to keep what it has committed.
        case .ledger: self == .postgresOlder
        }
    }

    /// The time of which decisions may be lost.
    /// - Parameters:
    ///   - landed: the moment in the cursor's last id, as Postgres had it before the fault began.
    ///   - until: the moment of the loss.
    func loss(_ mode: Durability, landed: Moment, until: Moment) -> Loss? {
        switch permittedLoss(mode) {
        case .nothing: nil
        case .unlanded: Loss(from: landed, until: until)
        case .lastSeconds(let seconds):
            Loss(from: max(landed, Moment(microseconds: until.microseconds - Int64(seconds) * 1_000_000)), until: until)
        }
    }
}
