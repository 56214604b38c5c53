public import Domain
public import RedisClient

/// A redemption as its user's record in Redis has it.
public struct StoredRedemption: Hashable, Sendable {
    public let user: UserID
    /// The epoch in which the user was loaded: the shard's, or an earlier one.
    public let epoch: Epoch
    public let coupon: CouponID
    public let id: RedemptionID
}

// A rebuild reads these before it gives credit and stock to others.
extension ShardStore {
    /// Reads a part of the redemptions of all users in this Redis, of any epoch. Some may come twice. `next` is `nil` with the last part.
    /// - Parameter position: `next` of the part before; `nil`: the first part.
    public func scanRedemptions(
        _ position: String? = nil
    ) async throws(RedisError) -> (redemptions: [StoredRedemption], next: String?) {
        let epoch = Epoch(try await send(["HGET", keys.users, UserRecord.epochField]).number ?? 0)
        let (records, next) = try await scanRecords(position)
        let redemptions = records.flatMap { user, record in
            (UserRecord(record)?.redemptions ?? [:]).map { coupon, id in
                StoredRedemption(user: user, epoch: epoch, coupon: coupon, id: id)
            }
        }
        return (redemptions, next)
    }

    /// The prices of all coupons that have a key in this Redis.
    public func couponPrices() async throws(RedisError) -> [CouponID: Int] {
        var prices: [CouponID: Int] = [:]
        var position = "0"
        repeat {
            let (names, next) = try await scan(position, keys.couponPrefix)
            for (name, reply) in zip(names, try await pipeline(names.map { ["HGET", $0, "price"] })) {
                if let id = CouponID(String(name.dropFirst(keys.couponPrefix.count))) { prices[id] = reply.number }
            }
            position = next
        } while position != "0"
        return prices
    }

    /// Runs one SCAN for keys that begin with `prefix`.
    func scan(
        _ position: String,
        _ prefix: String,
        count: Int = ShardStore.keysPerScan
    ) async throws(RedisError) -> (names: [String], next: String) {
        let page = try ScanPage(try await send(ScanPage.keys(position, prefix, count: count)), of: "SCAN")
        return (page.names, page.next)
    }

    /// The number of keys that one SCAN looks at, in a fraction of a millisecond of Redis's time.
    static let keysPerScan = 500
    /// The number of keys that one SCAN looks at while the shard is closed, and nobody waits for Redis.
    static let keysPerScanWhileClosed = 1_000
}
