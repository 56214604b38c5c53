internal import Domain
internal import Persistence
internal import PostgresClient

/// The ledger of a shard, Postgres's durable record, as its owner reads and writes it over one connection. The owner's lock, and with it
/// the right to write, ends with this connection.
///
/// Each call is one statement or one transaction. After an error whose outcome is unknown, the cursor tells whether it took effect.
protocol ShardLedger: Sendable {
    func commitDurably() async throws
    func tryLock(_ shard: Shard) async throws -> Bool
    func endSilentOwner(of shard: Shard, after silence: Duration) async throws -> Bool

    func cursor(of shard: Shard) async throws -> Cursor?
    func land(_ batch: LandingBatch) async throws -> LandingResult
    func beginEpoch(_ shard: Shard, after expected: Cursor?, above seen: Epoch?) async throws -> Cursor
    func quarantineUnlanded(_ found: UnlandedEntries) async throws -> Int
    func quarantine(_ found: [UnaccountedRedemption], reason: String) async throws -> Int
    func quarantineCount(of shard: Shard) async throws -> Int

    func allCoupons() async throws -> [Coupon]
    func couponsSnapshot() async throws -> (coupons: [Coupon], control: Int, mark: Int)
    func sessionRevocations(after sequence: Int) async throws -> SessionRevocations
    func controlEntries(after sequence: Int, limit: Int) async throws -> [LoggedControl]
    func controlMark(of sequence: Int) async throws -> Int?

    func listen(to channel: PostgresChannel) async throws
    func waitForNotification(timeout: Duration) async throws -> [PostgresNotification]

    /// Closes the connection, which frees the lock.
    func close() async
}

extension DedicatedPostgresConnection: ShardLedger {
    func commitDurably() async throws { try await withConnection { try $0.commitDurably() } }

    func tryLock(_ shard: Shard) async throws -> Bool { try await withConnection { try $0.tryLock(shard) } }

    func endSilentOwner(of shard: Shard, after silence: Duration) async throws -> Bool {
        try await withConnection { try $0.endSilentOwner(of: shard, after: silence) }
    }

    func cursor(of shard: Shard) async throws -> Cursor? { try await withConnection { try $0.cursor(of: shard) } }

    func land(_ batch: LandingBatch) async throws -> LandingResult { try await withConnection { try $0.land(batch) } }

    func beginEpoch(_ shard: Shard, after expected: Cursor?, above seen: Epoch?) async throws -> Cursor {
        try await withConnection { try $0.beginEpoch(shard, after: expected, above: seen) }
    }

    func quarantineUnlanded(_ found: UnlandedEntries) async throws -> Int {
        try await withConnection { try $0.quarantineUnlanded(found) }
    }

    func quarantine(_ found: [UnaccountedRedemption], reason: String) async throws -> Int {
        try await withConnection { try $0.quarantine(found, reason: reason) }
    }

    func quarantineCount(of shard: Shard) async throws -> Int {
        try await withConnection { try $0.quarantineCount(of: shard) }
    }

    func allCoupons() async throws -> [Coupon] { try await withConnection { try $0.allCoupons() } }

    func couponsSnapshot() async throws -> (coupons: [Coupon], control: Int, mark: Int) {
        try await withConnection { try $0.couponsSnapshot() }
    }

    func sessionRevocations(after sequence: Int) async throws -> SessionRevocations {
        try await withConnection { try $0.sessionRevocations(after: sequence) }
    }

    func controlMark(of sequence: Int) async throws -> Int? { try await withConnection { try $0.controlMark(of: sequence) } }

    func controlEntries(after sequence: Int, limit: Int) async throws -> [LoggedControl] {
        try await withConnection { try $0.controlEntries(after: sequence, limit: limit) }
    }
}
