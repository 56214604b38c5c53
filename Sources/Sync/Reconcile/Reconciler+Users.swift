internal import Domain
internal import HotPath
internal import Persistence
internal import PostgresClient

extension Reconciler {
    func users(
        of stores: [ShardStore],
        _ prices: [CouponID: Int],
        into report: inout ReconcileReport,
        progress: ((Int, Int) -> Void)?
    ) async throws {
        let limit = pace.usersPerPage
        let total = progress == nil ? 0 : try await postgres.withConnection { try $0.userCount() }
        var last: UserID?
        var done = 0
        while true {
            let after = last
            let page = try await postgres.withConnection { try $0.userIDs(after: after, limit: limit) }
            guard let end = page.last else { return }
            last = end
            for store in stores {
                try await users(page.filter { hotPath.shards.shard(of: $0) == store.shard }, of: store, prices, into: &report)
            }
            done += page.count
            progress?(done, max(total, done))
        }
    }

    /// Compares users in Redis whom Postgres does not know, because it went back in time or somebody deleted them.
    ///
    /// Redis is read first here too: a loaded user was in Postgres before.
    func strangers(of store: ShardStore, _ prices: [CouponID: Int], into report: inout ReconcileReport) async throws {
        var position: String?
        repeat {
            try Task.checkCancellation()
            let began = ContinuousClock.now
            let part = try await store.scanUsers(position)
            position = part.next
            let unknown =
                part.users.isEmpty ? [] : try await postgres.withConnection { try $0.strangers(among: part.users) }
            if !unknown.isEmpty { try await users(unknown, of: store, prices, into: &report) }
            try await pace.pause(after: began)
        } while position != nil
    }

    private func users(
        _ ids: [UserID],
        of store: ShardStore,
        _ prices: [CouponID: Int],
        into report: inout ReconcileReport
    ) async throws {
        let shard = store.shard
        var snapshot: ShardSnapshot
        var audit: UserPageAudit
        var attempt = 0
        repeat {
            try await pace.admit(store)
            let began = ContinuousClock.now
            snapshot = try await store.snapshot(users: ids)
            let (position, decided) = (snapshot.position, snapshot.decided(by: ids))
            audit = try await postgres.transaction(.snapshotReadOnly) { connection in
                let (cursor, users) = try connection.audit(ids, of: shard, newerThan: position)
                let landed = Set(users.flatMap(\.rows).map(\.redemption.id))
                let others = decided.subtracting(landed)
                let fates = others.isEmpty ? [:] : try connection.fates(of: Array(others))
                return UserPageAudit(cursor: cursor, users: users, fates: fates)
            }
            attempt += 1
            try await pace.pause(after: began)
        } while snapshot.epoch != audit.cursor?.epoch && attempt < Reconciler.attempts
        // If the epochs differ, the comparison of coupons has reported it.
        guard let epoch = snapshot.epoch, epoch == audit.cursor?.epoch else { return }
        let waiting = Dictionary(grouping: snapshot.entries.flatMap(\.redemptions), by: \.user)
        for user in audit.users {
            UserComparison(
                audit: user,
                state: snapshot.users[user.user],
                outbox: waiting[user.user] ?? [],
                fates: audit.fates,
                control: snapshot.control ?? 0,
                shard: shard,
                epoch: epoch,
                prices: prices
            )
            .check(into: &report)
        }
    }
}

/// A page of users in one snapshot of Postgres.
private struct UserPageAudit: Sendable {
    let cursor: Cursor?
    let users: [UserAudit]
    /// The fates of redemptions that Redis has decided and that are not rows.
    let fates: [RedemptionID: RedemptionFate]
}

extension ShardSnapshot {
    /// All redemptions that this Redis has of these users, settled or not.
    fileprivate func decided(by ids: [UserID]) -> Set<RedemptionID> {
        let wanted = Set(ids)
        let waiting = entries.lazy.flatMap(\.redemptions).filter { wanted.contains($0.user) }.map(\.id)
        return Set(users.values.flatMap(\.redemptions.values)).union(waiting)
    }
}
