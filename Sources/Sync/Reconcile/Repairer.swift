public import Domain
public import HotPath
import Persistence
public import PostgresClient

/// Carries out a plan. Each step is one transaction of Postgres. It may be cut off after any step, and the plan carried out again.
public struct Repairer: Sendable {
    /// How long an owner may take to rebuild its shard.
    public static let patience: Duration = .seconds(60)
    private static let pollInterval: Duration = .milliseconds(50)
    private static let quarantinedAtOnce = 1_000

    private let hotPath: HotPath
    private let postgres: PostgresClient
    private let actor: String
    private let patience: Duration

    /// - Parameter actor: who repairs, for the control log.
    public init(hotPath: HotPath, postgres: PostgresClient, actor: String, patience: Duration = Repairer.patience) {
        self.hotPath = hotPath
        self.postgres = postgres
        self.actor = actor
        self.patience = patience
    }

    /// - Parameter done: gets a line for each repair that was done.
    /// - Throws: `RepairError` where no owner has rebuilt a shard in time; the next one to come still does.
    public func perform(_ plan: RepairPlan, done: (String) -> Void) async throws {
        // This comes first, so that the evidence is safe.
        if !plan.quarantine.isEmpty {
            let count = try await quarantine(plan.quarantine)
            done("\(count) redemptions that only Redis has are in quarantine now")
        }
        for coupon in plan.recounts {
            do {
                let counts = try await postgres.withConnection { try $0.recountRedeemed(coupon) }
                guard let (counted, rows) = counts else { continue }
                done("\(coupon): counted \(counted), has \(rows) rows; counted \(rows) now")
            } catch let error as PostgresError where error.isCheckViolation {
                done("\(coupon): not counted again, since it has more rows than its total; restock it by the difference first")
            }
        }
        for shard in plan.rebuilds { try await rebuild(shard, done: done) }
    }

    private func quarantine(_ redemptions: [UnaccountedRedemption]) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: redemptions.count, by: Repairer.quarantinedAtOnce) {
            let part = Array(redemptions[start..<min(start + Repairer.quarantinedAtOnce, redemptions.count)])
            count += try await postgres.withConnection { try $0.quarantine(part, reason: OwnedShard.salvageReason) }
        }
        return count
    }

    /// Asks for a rebuild by the control log, which outlives this process, and waits until the owner has done it.
    private func rebuild(_ shard: Shard, done: (String) -> Void) async throws {
        let actor = actor
        let entry = try await postgres.withConnection { try $0.askForRebuild(of: shard, actor: actor) }
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            // Redis may be away for a while; the rebuild may still be done in time.
            let status: ShardStatus?
            do { status = try await hotPath.store(shard).status() } catch { status = nil }
            if let status, let control = status.control, let epoch = status.epoch, control >= entry, status.scriptsLoaded {
                return done("shard \(shard) is rebuilt and open, in epoch \(epoch)")
            }
            try await Task.sleep(for: Repairer.pollInterval)
        }
        throw RepairError.notRebuilt(shard, entry: entry, after: patience)
    }
}

public enum RepairError: Error, Sendable, CustomStringConvertible {
    case notRebuilt(Shard, entry: Int, after: Duration)

    public var description: String {
        switch self {
        case .notRebuilt(let shard, let entry, let patience):
            "shard \(shard) was not rebuilt within \(patience.components.seconds) s; it is asked for in the control log (entry \(entry)), "
                + "and done as soon as a worker owns the shard"
        }
    }
}
