public import Domain

/// A redemption as the hash of its user says it.
public struct StoredRedemption: Hashable, Sendable {
    public let user: UserID
    /// In which the user was loaded. That of the shard, or an earlier one: users who have not come since a rebuild are left as they
    /// were.
    public let epoch: Epoch
    public let coupon: CouponID
    public let id: RedemptionID
}

// A rebuild reads these before it gives credit and stock to others.
extension ShardStore {
    /// A part of all redemptions of all users that have a key here, whatever their epoch; some may come twice. `nil` in the answer:
    /// that was the last.
    /// - Parameter position: what the part before it answered.
    public func scanRedemptions(
        _ position: String? = nil
    ) async throws(RedisError) -> (redemptions: [StoredRedemption], next: String?) {
        let (users, next) = try await scanUsers(position)
        let replies = try await pipeline(users.map { ["HGETALL", keys.user($0)] })
        var redemptions: [StoredRedemption] = []
        for (user, reply) in zip(users, replies) {
            let fields = reply.array ?? []
            var epoch = Epoch(0)
            let first = redemptions.count
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let name = fields[index].string else { continue }
                if name == "epoch" {
                    epoch = Epoch(fields[index + 1].number ?? 0)
                } else if name.hasPrefix("r:"), let coupon = CouponID(String(name.dropFirst(2))),
                    let id = fields[index + 1].string.flatMap({ RedemptionID($0) })
                {
                    redemptions.append(StoredRedemption(user: user, epoch: epoch, coupon: coupon, id: id))
                }
            }
            // Redis promises no order of fields.
            for index in first..<redemptions.count where redemptions[index].epoch != epoch {
                let found = redemptions[index]
                redemptions[index] = StoredRedemption(user: user, epoch: epoch, coupon: found.coupon, id: found.id)
            }
        }
        return (redemptions, next)
    }

    /// What the coupons cost that have a key here.
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

    /// One SCAN for keys that begin so.
    func scan(
        _ position: String,
        _ prefix: String,
        count: Int = ShardStore.keysPerScan
    ) async throws(RedisError) -> (names: [String], next: String) {
        let reply = try await send(["SCAN", position, "MATCH", prefix + "*", "COUNT", String(count)])
        guard let page = reply.array, page.count == 2, let next = page[0].string, let found = page[1].array else {
            throw RedisError.unexpected(reply, of: "SCAN")
        }
        return (found.compactMap(\.string), next)
    }

    /// Keys that one SCAN looks at: a fraction of a millisecond of Redis's time.
    static let keysPerScan = 500
    /// The same where the shard is closed, and nobody waits for Redis.
    static let keysPerScanWhileClosed = 1_000
}
