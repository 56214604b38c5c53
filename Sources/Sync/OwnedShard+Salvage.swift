internal import Domain
internal import HotPath
internal import Logging
internal import Persistence

// What only Redis has goes to quarantine before anything is given to others.
extension OwnedShard {
    static let salvageReason = "only Redis had it: accepted, in no outbox and not in Postgres"
    /// A primary that never heard of its successor may come back with what it accepted alone.
    static let passedReason = "not in Postgres, which had landed later ones of this shard"
    /// Asked of Postgres at a time.
    private static let redemptionsPerQuestion = 1_000

    /// Looks through all users for redemptions that Postgres lacks.
    /// - Parameters:
    ///   - prices: of coupons. Redis has those that Postgres has never heard of.
    ///   - epoch: with `settled`: the shard is open, and what it accepted in this epoch behind that entry is in the outbox. `nil`: it
    ///     is closed, and what the outbox held is in Postgres.
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

    /// The same of users that an earlier version left here.
    /// - Returns: how many keys of theirs there are.
    func salvageEarlierUsers(prices: [CouponID: Int]) async throws -> Int {
        var users = 0
        try await salvage(prices: prices) { position in
            let part = try await store.scanEarlierRedemptions(position)
            users += part.users
            return (part.redemptions, part.next)
        }
        return users
    }

    /// - Parameter read: a part of what is looked through, and the position of the next; `nil`: that was the last.
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

    /// What coupons cost. A coupon's price never changes.
    func prices() async throws -> [CouponID: Int] {
        let known = try await ledger.allCoupons().map { ($0.id, $0.price) }
        return try await store.couponPrices().merging(known) { $1 }
    }

    /// Redemptions of the same millisecond as an entry that was settled, which came after it: their ids do not tell.
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

    /// Puts what Postgres lacks of these into quarantine: they leave the outbox without being landed.
    /// - Parameter epoch: the cursor's. Without a cursor, entries that cannot be read are kept under epoch 0, which no shard has.
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
