internal import Domain
internal import HotPath
internal import Logging
internal import Persistence

// Redemptions that only Redis has go to quarantine, before their credit and stock are given to others.
extension OwnedShard {
    static let salvageReason = "only Redis had it: accepted, in no outbox and not in Postgres"
    /// The reason where a primary comes back that never heard of its successor, with redemptions that it alone accepted.
    static let passedReason = "not in Postgres, which had landed later ones of this shard"
    /// The number of redemptions that Postgres is asked for at a time, about.
    private static let redemptionsPerQuestion = 1_000

    /// Looks through all users for redemptions that Postgres lacks, and puts them into quarantine.
    /// - Parameters:
    ///   - prices: the prices of all coupons, also of those that only Redis has.
    ///   - epoch: the epoch of a shard that is open. Its redemptions behind the entry `settled` are left out: they are in the outbox.
    ///     `nil`: the shard is closed, and Postgres has what the outbox had.
    func salvageUsers(prices: [CouponID: Int], in epoch: Epoch? = nil, settledUpTo settled: StreamID? = nil) async throws {
        var waiting: Set<RedemptionID> = []
        if let settled { waiting = try await redemptions(behind: settled) }
        try await salvage(prices: prices) { position in
            let part = try await store.scanRedemptions(position)
            let unsettled = part.redemptions.filter { stored in
                guard let settled, stored.epoch == epoch else { return true }
                return stored.id.uuid.milliseconds <= settled.milliseconds && !waiting.contains(stored.id)
            }
            return (unsettled, part.next)
        }
    }

    /// The same for users that an earlier version left here.
    /// - Returns: the number of their keys.
    func salvageEarlierUsers(prices: [CouponID: Int]) async throws -> Int {
        var users = 0
        try await salvage(prices: prices) { position in
            let part = try await store.scanEarlierRedemptions(position)
            users += part.users
            return (part.redemptions, part.next)
        }
        return users
    }

    /// Puts redemptions that Postgres lacks into quarantine.
    /// - Parameter read: reads a part of all redemptions. `next` is the position of the next part; `nil`: that was the last.
    private func salvage(
        prices: [CouponID: Int],
        _ read: (_ position: String?) async throws -> (redemptions: [StoredRedemption], next: String?)
    ) async throws {
        var found: [UnaccountedRedemption] = []
        var (looked, count) = (0, 0)
        var position: String?
        repeat {
            let part = try await read(position)
            position = part.next
            looked += part.redemptions.count
            for stored in part.redemptions {
                found.append(
                    UnaccountedRedemption(
                        shard: shard,
                        epoch: stored.epoch,
                        id: stored.id,
                        user: stored.user,
                        coupon: stored.coupon,
                        price: prices[stored.coupon]
                    )
                )
            }
            if found.count >= OwnedShard.redemptionsPerQuestion || position == nil {
                if !found.isEmpty { count += try await ledger.quarantine(found, reason: OwnedShard.salvageReason) }
                found = []
            }
        } while position != nil
        metrics.quarantined(count)
        let metadata: Logger.Metadata = ["redemptions": "\(looked)", "quarantined": "\(count)"]
        if count > 0 {
            logger.error(
                "users in Redis had redemptions that Postgres lacks; they are in quarantine; see `redeem quarantine list`",
                metadata: metadata
            )
        } else if looked > 0 {
            logger.notice("looked for redemptions that only Redis has", metadata: metadata)
        }
    }

    /// The prices of all coupons, also of those that only Redis has. A coupon's price never changes.
    func prices() async throws -> [CouponID: Int] {
        let known = try await ledger.allCoupons().map { ($0.id, $0.price) }
        return try await store.couponPrices().merging(known) { $1 }
    }

    /// The redemptions in the outbox that are of the same millisecond as a settled entry, and came after it. Their ids do not tell this.
    private func redemptions(behind settled: StreamID) async throws -> Set<RedemptionID> {
        var found: Set<RedemptionID> = []
        var position = settled
        while true {
            let read = try await store.readOutbox(after: position, count: configuration.entriesPerBatch, block: nil)
            for case .entry(let entry) in read where entry.id.milliseconds == settled.milliseconds {
                found.formUnion(entry.redemptions.map(\.id))
            }
            guard let last = read.last, last.id.milliseconds == settled.milliseconds else { return found }
            position = last.id
        }
    }

    /// Puts into quarantine what Postgres lacks of these entries, which leave the outbox without being landed.
    /// - Parameter epoch: the cursor's epoch. Without a cursor, entries that cannot be read are kept under epoch 0, which no shard has.
    func keep(_ read: [OutboxRead], of epoch: Epoch?, because reason: String) async throws {
        guard !read.isEmpty else { return }
        let (entries, malformed) = OwnedShard.sorted(read)
        let found = UnlandedEntries(
            shard: shard,
            epoch: epoch ?? Epoch(0),
            entries: entries,
            malformed: malformed,
            reason: reason
        )
        quarantined(try await ledger.quarantineUnlanded(found))
    }

    static func sorted(_ read: [OutboxRead]) -> (entries: [OutboxEntry], malformed: [LandingBatch.Malformed]) {
        var entries: [OutboxEntry] = []
        var malformed: [LandingBatch.Malformed] = []
        for item in read {
            switch item {
            case .entry(let entry): entries.append(entry)
            case .malformed(let id, let fields, let reason): malformed.append(.init(id: id, fields: fields, reason: reason))
            }
        }
        return (entries, malformed)
    }

    func quarantined(_ count: Int) {
        guard count > 0 else { return }
        metrics.quarantined(count)
        logger.error(
            "redemptions could not be landed and are in quarantine; see `redeem quarantine list`",
            metadata: ["count": "\(count)"]
        )
    }

    func tellThatPostgresWentBack() {
        metrics.postgresWentBack()
        logger.error(
            """
            Postgres is older than this Redis, as after a backup was put back: what only Redis has goes to quarantine; see \
            docs/OPERATIONS.md, "Backup and restore"
            """
        )
    }
}
