import Domain
import PostgresClient
import RedisClient

@testable import HotPath
@testable import Persistence
@testable import Sync

/// One connection to the simulated Postgres. What was sent over it before it was lost may still be carried out, and until that is
/// decided the server keeps the lock for it.
final class SimulatedPostgresConnection: ShardLedger, @unchecked Sendable {
    private let simulation: Simulation
    let process: SimulatedProcess
    private let postgres: SimulatedPostgres
    /// For an owner with a bug.
    private let store: ShardStore
    /// The client knows that it is lost, or has closed it.
    private(set) var isLost = false
    private var isOver = false
    var notifications = 0

    init(_ simulation: Simulation, _ process: SimulatedProcess, store: ShardStore) {
        self.simulation = simulation
        self.process = process
        self.store = store
        postgres = simulation.postgres
        postgres.opened(self)
    }

    // MARK: The connection

    private var pending: [Call] {
        simulation.calls.filter { if case .postgres(let connection) = $0.target { connection === self } else { false } }
    }

    /// One at a time, in order.
    func isNext(_ call: Call) -> Bool { !isOver && pending.first { !$0.isCarriedOut }?.number == call.number }

    /// A call of it is over.
    func finished() { if isLost { endIfNothingIsUnderWay() } }

    /// The connection breaks, as both sides see it in their time.
    /// - Parameter isDropped: what is under way never arrives.
    func lose(isDropped: Bool) {
        isLost = true
        for call in pending { simulation.lose(call, isDropped: isDropped) }
        endIfNothingIsUnderWay()
    }

    private func endIfNothingIsUnderWay() {
        guard !isOver, !pending.contains(where: { !$0.isCarriedOut }) else { return }
        isOver = true
        postgres.ended(self)
    }

    /// Whether the server is waiting for the client to say something.
    var isIdle: Bool { !isOver && !pending.contains { !$0.isCarriedOut } }

    func close() async {
        isLost = true
        for call in pending where !call.isAnswered { simulation.lose(call, isDropped: true) }
        endIfNothingIsUnderWay()
    }

    private func call<T>(_ text: @autoclosure () -> String, _ effect: @escaping (SimulatedPostgres) throws -> T) async throws -> T
    {
        var result: Result<T, any Error> = .failure(SimulatedPostgresConnection.lost(false))
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            guard !isLost else { return continuation.resume() }
            simulation.send(
                process,
                .postgres(self),
                text(),
                step: {
                    result = Result { try effect(self.postgres) }
                    return true
                },
                answer: { continuation.resume() },
                fail: { unknown in
                    result = .failure(SimulatedPostgresConnection.lost(unknown))
                    continuation.resume()
                }
            )
        }
        return try result.get()
    }

    private static func lost(_ outcomeIsUnknown: Bool) -> PostgresError {
        PostgresError(.connectionLost, "simulated", outcomeIsUnknown: outcomeIsUnknown)
    }

    // MARK: What an owner does

    func commitDurably() async throws { try await call("commit durably") { _ in } }

    func tryLock(_ shard: Shard) async throws -> Bool { try await call("lock the shard") { $0.tryLock(self) } }

    func endSilentOwner(of shard: Shard, after silence: Duration) async throws -> Bool { false }

    func cursor(of shard: Shard) async throws -> Cursor? { try await call("read the cursor") { $0.cursor } }

    func controlMark(of sequence: Int) async throws -> Int? {
        try await call("read the mark of \(sequence)") { $0.log.first { $0.sequence == sequence }?.mark }
    }

    func land(_ batch: LandingBatch) async throws -> LandingResult {
        if postgres.bug == .settlesBeforeCommit { _ = try await store.settle(batch.cursor.epoch, entries: batch.entries) }
        return try await call("land up to \(batch.last) behind \(batch.cursor.lastID)") { try $0.land(batch) }
    }

    func beginEpoch(_ shard: Shard, after expected: Cursor?, above seen: Epoch?) async throws -> Cursor {
        try await call("begin an epoch") { try $0.beginEpoch(after: expected, above: seen) }
    }

    func quarantineUnlanded(_ found: UnlandedEntries) async throws -> Int {
        try await call("quarantine \(found.entries.count)") { $0.quarantineUnlanded(found) }
    }

    func quarantine(_ found: [UnaccountedRedemption], reason: String) async throws -> Int {
        try await call("quarantine \(found.count) if unknown") { $0.quarantine(found, reason: reason) }
    }

    func quarantineCount(of shard: Shard) async throws -> Int { try await call("count quarantine") { $0.quarantine.count } }

    func allCoupons() async throws -> [Coupon] { try await call("read coupons") { $0.coupons } }

    func couponsSnapshot() async throws -> (coupons: [Coupon], control: Int, mark: Int) {
        try await call("read coupons and control") { ($0.coupons, $0.control, $0.log.last?.mark ?? 0) }
    }

    func sessionRevocations(after sequence: Int) async throws -> SessionRevocations {
        try await call("read revocations") { SessionRevocations($0.log.dropFirst(sequence).compactMap(\.entry?.change)) }
    }

    func controlEntries(after sequence: Int, limit: Int) async throws -> [LoggedControl] {
        try await call("read control after \(sequence)") { Array($0.log.dropFirst(sequence).prefix(limit)) }
    }

    func listen(to channel: PostgresChannel) async throws { try await call("listen") { _ in self.notifications = 0 } }

    func waitForNotification(timeout: Duration) async throws -> [PostgresNotification] {
        let flag = Flag()
        var isKnownLost = isLost
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                guard !isLost else { return continuation.resume() }
                simulation.send(
                    process,
                    .postgres(self),
                    "wait for a notification",
                    wakeAfter: Simulation.milliseconds(timeout),
                    isReady: { flag.isSet || self.notifications > 0 },
                    step: { true },
                    answer: { continuation.resume() },
                    fail: { _ in
                        isKnownLost = true
                        continuation.resume()
                    }
                )
            }
        } onCancel: {
            flag.isSet = true
        }
        try Task.checkCancellation()
        if isKnownLost { throw SimulatedPostgresConnection.lost(false) }
        notifications = 0
        return []
    }
}
