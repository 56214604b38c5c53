internal import Domain
public import HotPath
internal import Logging
internal import Persistence
public import PostgresClient

/// Compares Redis with Postgres on a live system. It only reads.
///
/// Redis is read first, the outbox and what is compared in one atomic step; then Postgres, in one snapshot. So Postgres has everything that
/// Redis had trimmed. Redemptions that landed in between are in both, and are told by their stream ids. Operators' changes that Redis has
/// not applied yet are told by their sequence numbers. So work in flight is never called drift.
public struct Reconciler: Sendable {
    /// How often the two reads are tried. A rebuild that begins between them makes them incomparable.
    static let attempts = 5
    /// How long a shard may be closed before that is a violation.
    static let opening: Duration = .seconds(2)

    let hotPath: HotPath
    let postgres: PostgresClient
    let pace: ReconcilePace
    private let stores: [ShardStore]

    public init(hotPath: HotPath, postgres: PostgresClient) {
        self.init(hotPath: hotPath, postgres: postgres, shard: nil, pace: .attended)
    }

    /// - Parameter shard: `nil`: all of them.
    init(hotPath: HotPath, postgres: PostgresClient, shard: Shard?, pace: ReconcilePace) {
        self.hotPath = hotPath
        self.postgres = postgres
        self.pace = pace
        stores = hotPath.stores.filter { shard == nil || $0.shard == shard }
    }

    /// - Parameter progress: users compared so far, and users in all.
    public func run(progress: ((Int, Int) -> Void)? = nil) async throws -> ReconcileReport {
        var report = ReconcileReport()
        let prices = Dictionary(
            uniqueKeysWithValues: try await postgres.withConnection { try $0.allCoupons() }.map { ($0.id, $0.price) }
        )
        for store in stores {
            try await coupons(Array(prices.keys), of: store, into: &report)
        }
        try await users(of: stores, prices, into: &report, progress: progress)
        for store in stores {
            try await strangers(of: store, prices, into: &report)
        }
        try await tables(into: &report)
        return report
    }

    /// Checks that need no look at Redis.
    private func tables(into report: inout ReconcileReport) async throws {
        var tally = RedemptionTally()
        var last: String?
        repeat {
            try Task.checkCancellation()
            let began = ContinuousClock.now
            let (after, limit) = (last, pace.rowsPerPage)
            let page = try await postgres.transaction(.snapshotReadOnly) {
                try $0.redemptionPage(after: after, limit: limit, examples: ReconcileReport.examplesKept)
            }
            tally.add(page, into: &report)
            last = page.last
            try await pace.pause(after: began)
        } while last != nil
        tally.check(into: &report)
        let quarantined = try await postgres.withConnection { try $0.quarantineCount() }
        report.expect(4, quarantined == 0, "\(quarantined) redemptions are in quarantine", .quarantine(nil))
    }

    /// True if the shard is open, or opens soon: it is closed for a moment when Redis gets another id, as with its first replica.
    private func isOpen(_ status: ShardStatus, _ store: ShardStore) async throws -> Bool {
        var status = status
        let limit = ContinuousClock.now + Reconciler.opening
        while !status.scriptsLoaded, ContinuousClock.now < limit {
            try await Task.sleep(for: .milliseconds(50))
            status = try await store.status()
        }
        return status.scriptsLoaded
    }

    private func coupons(_ ids: [CouponID], of store: ShardStore, into report: inout ReconcileReport) async throws {
        let shard = store.shard
        var snapshot: ShardSnapshot
        var ledger: LedgerSnapshot
        var later: CouponChanges
        var coupons: [Coupon]
        var status: ShardStatus
        var attempt = 0
        repeat {
            try await pace.admit(store)
            let began = ContinuousClock.now
            snapshot = try await store.snapshot(coupons: ids)
            let (position, control) = (snapshot.position, snapshot.control ?? 0)
            let countsRows = pace.rowsPerPage == nil
            (ledger, later, coupons) = try await postgres.transaction(.snapshotReadOnly) { connection in
                (
                    try connection.ledger(of: shard, newerThan: position, countsRows: countsRows),
                    try connection.couponChanges(after: control),
                    try connection.allCoupons()
                )
            }
            status = try await store.status()
            attempt += 1
            try await pace.pause(after: began)
        } while (snapshot.epoch != ledger.cursor?.epoch || status.epoch != snapshot.epoch) && attempt < Reconciler.attempts
        guard let cursor = ledger.cursor, snapshot.epoch == cursor.epoch, status.epoch == cursor.epoch else {
            let epochs = [snapshot.epoch, ledger.cursor?.epoch].map { $0?.description ?? "none" }
            report.expect(
                6,
                false,
                "shard \(shard): Redis is of epoch \(epochs[0]), Postgres of \(epochs[1]); is `redeem sync` running?",
                .owner
            )
            return
        }
        report.expect(
            6,
            status.outboxLastID >= cursor.lastID,
            "shard \(shard): the outbox ends before the cursor \(cursor.lastID)",
            .owner
        )
        report.expect(
            4,
            snapshot.missingEntries ?? 0 <= 0,
            "shard \(shard): \(snapshot.missingEntries ?? 0) entries were deleted from the outbox before they were settled",
            .rebuild(shard)
        )
        report.expect(
            7,
            try await isOpen(status, store),
            "shard \(shard): the shard is closed: this program's scripts are not loaded",
            .owner
        )

        let undrained = snapshot.entries.filter { $0.id > cursor.lastID }.flatMap(\.redemptions)
        let waiting = Dictionary(undrained.map { ($0.coupon, 1) }, uniquingKeysWith: +)
        let looked = Set(ids)
        // A coupon that was created after `ids` was read was not looked for in Redis.
        for coupon in ledger.coupons where looked.contains(coupon.coupon) {
            let id = coupon.coupon
            CouponComparison(
                ledger: coupon,
                shard: shard,
                left: snapshot.left[id],
                waiting: waiting[id] ?? 0,
                quarantined: ledger.quarantined[id] ?? 0,
                isNew: later.created.contains(id),
                unapplied: (later.restocked[id] ?? 0) + (later.dropped[id] ?? 0)
            )
            .check(into: &report)
        }
        for coupon in coupons where looked.contains(coupon.id) {
            guard let terms = snapshot.terms[coupon.id] else { continue }
            var names = terms.differences(from: coupon)
            // Redis has yet to apply the change.
            if later.restated.contains(coupon.id) { names.removeAll { $0 == "state" } }
            report.expect(
                5,
                names.isEmpty,
                "\(coupon.id): \(names.joined(separator: ", ")) in Redis differs from Postgres",
                .rebuild(shard)
            )
        }
    }
}
