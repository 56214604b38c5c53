internal import Domain
public import HotPath
internal import Logging
public import Persistence

/// Compares Redis with Postgres on a live system. Reads only.
///
/// Redis is read first, in one atomic step: the outbox and what is compared. Then Postgres, in one snapshot. So Postgres has
/// all that Redis had trimmed; what landed in between is in both, and is told apart by its stream id. An operator's change
/// that Redis has not applied yet is told apart by its sequence number. Work in flight is therefore never called drift.
public struct Reconciler: Sendable {
    /// Users compared at a time; bounds the time that Redis is blocked.
    static let usersPerPage = 500
    /// A rebuild that begins between the two reads makes them incomparable; they are repeated so often.
    static let attempts = 5

    private let hotPath: HotPath
    private let postgres: PostgresClient

    public init(hotPath: HotPath, postgres: PostgresClient) {
        self.hotPath = hotPath
        self.postgres = postgres
    }

    /// - Parameter progress: users compared so far, and users in all.
    public func run(progress: (Int, Int) -> Void = { _, _ in }) async throws -> ReconcileReport {
        var report = ReconcileReport()
        for store in hotPath.stores {
            try await coupons(of: store, into: &report)
        }
        try await users(into: &report, progress: progress)
        try await tables(into: &report)
        return report
    }

    /// What needs no look at Redis.
    private func tables(into report: inout ReconcileReport) async throws {
        let (repeated, dangling, quarantined) = try await postgres.transaction(.snapshotReadOnly) { connection in
            (
                try connection.repeatedRedemptions(limit: ReconcileReport.examplesKept), try connection.danglingRedemptions(),
                try connection.quarantineCount()
            )
        }
        for row in repeated {
            report.expect(2, false, "user \(row.user) has \(row.count) redemptions of \(row.coupon)")
        }
        report.expect(4, dangling == 0, "\(dangling) redemptions are of a user or coupon that does not exist")
        report.expect(4, quarantined == 0, "\(quarantined) redemptions are in quarantine")
    }

    private func coupons(of store: ShardStore, into report: inout ReconcileReport) async throws {
        let shard = store.shard
        let ids = Set(try await postgres.withConnection { try $0.allCoupons() }.map(\.id))
        var snapshot: ShardSnapshot
        var ledger: LedgerSnapshot
        var later: (restocks: [CouponID: Int], created: Set<CouponID>)
        var attempt = 0
        repeat {
            snapshot = try await store.snapshot(coupons: Array(ids))
            let (position, control) = (snapshot.position, snapshot.control ?? 0)
            (ledger, later) = try await postgres.transaction(.snapshotReadOnly) { connection in
                let later = (try connection.restocks(after: control), try connection.couponsCreated(after: control))
                return (try connection.ledger(of: shard, newerThan: position), later)
            }
            attempt += 1
        } while snapshot.epoch != ledger.cursor?.epoch && attempt < Reconciler.attempts
        guard let cursor = ledger.cursor, snapshot.epoch == cursor.epoch else {
            let epochs = [snapshot.epoch, ledger.cursor?.epoch].map { $0?.description ?? "none" }
            report.expect(
                6,
                false,
                "shard \(shard): Redis is of epoch \(epochs[0]), Postgres of \(epochs[1]); is `redeem sync` running?"
            )
            return
        }
        let status = try await store.status()
        report.expect(
            6,
            status.outboxLastID >= cursor.lastID,
            "shard \(shard): the outbox ends before the cursor \(cursor.lastID)"
        )
        report.expect(7, status.scriptsLoaded, "shard \(shard): the shard is closed: this program's scripts are not loaded")

        let undrained = snapshot.entries.filter { $0.id > cursor.lastID }.flatMap(\.redemptions)
        let waiting = Dictionary(undrained.map { ($0.coupon, 1) }, uniquingKeysWith: +)
        // A coupon that was created after `ids` was read was not looked for in Redis.
        for coupon in ledger.coupons where ids.contains(coupon.coupon) {
            check(coupon, left: snapshot.left[coupon.coupon], waiting: waiting[coupon.coupon] ?? 0, later: later, into: &report)
        }
    }

    /// - Parameter later: restocks and new coupons that this snapshot of Redis had not applied.
    private func check(
        _ ledger: CouponLedger,
        left: Int?,
        waiting: Int,
        later: (restocks: [CouponID: Int], created: Set<CouponID>),
        into report: inout ReconcileReport
    ) {
        let id = ledger.coupon
        report.expect(
            1,
            ledger.redemptions <= ledger.total && ledger.redemptions == ledger.redeemed,
            "\(id): \(ledger.redemptions) rows, counted \(ledger.redeemed), total \(ledger.total)"
        )
        guard !later.created.contains(id) else { return }
        guard let left else {
            report.expect(5, false, "\(id): not in Redis")
            return
        }
        let total = ledger.total - (later.restocks[id] ?? 0)
        let landed = ledger.redemptions - ledger.newer
        report.expect(
            5,
            left >= 0 && left + landed + waiting == total,
            "\(id): left \(left) + redemptions \(landed) + undrained \(waiting), total \(total)"
        )
    }

    private func users(into report: inout ReconcileReport, progress: (Int, Int) -> Void) async throws {
        let total = try await postgres.withConnection { try $0.userCount() }
        var last: UserID?
        var done = 0
        while true {
            let after = last
            let page = try await postgres.withConnection { try $0.userIDs(after: after, limit: Reconciler.usersPerPage) }
            guard let end = page.last else { return }
            last = end
            for store in hotPath.stores {
                try await users(page.filter { hotPath.shards.shard(of: $0) == store.shard }, of: store, into: &report)
            }
            done += page.count
            progress(done, max(total, done))
        }
    }

    private func users(_ ids: [UserID], of store: ShardStore, into report: inout ReconcileReport) async throws {
        let shard = store.shard
        var snapshot: ShardSnapshot
        var audit: (cursor: Cursor?, users: [UserAudit])
        var attempt = 0
        repeat {
            snapshot = try await store.snapshot(users: ids)
            let position = snapshot.position
            audit = try await postgres.withConnection { try $0.audit(ids, of: shard, newerThan: position) }
            attempt += 1
        } while snapshot.epoch != audit.cursor?.epoch && attempt < Reconciler.attempts
        // That the epochs differ was reported with the coupons.
        guard snapshot.epoch == audit.cursor?.epoch else { return }
        let waiting = Dictionary(grouping: snapshot.entries.flatMap(\.redemptions), by: \.user)
        for user in audit.users {
            UserComparison(
                audit: user,
                state: snapshot.users[user.user],
                outbox: waiting[user.user] ?? [],
                control: snapshot.control ?? 0
            )
            .check(into: &report)
        }
    }
}
