internal import Domain
public import RedisClient

// Earlier versions had a hash for each user: epoch, and `r:<coupon>` = redemption id among others.
extension ShardStore {
    /// Reads a part of the redemptions of all users that an earlier version left here. `next` is `nil` with the last part.
    /// - Parameter position: `next` of the part before; `nil`: the first part.
    public func scanEarlierRedemptions(
        _ position: String? = nil
    ) async throws(RedisError) -> (users: Int, redemptions: [StoredRedemption], next: String?) {
        let (names, next) = try await scan(position ?? "0", keys.earlierUserPrefix, count: ShardStore.keysPerScanWhileClosed)
        let replies = try await pipeline(names.map { ["HGETALL", $0] })
        var redemptions: [StoredRedemption] = []
        for (name, reply) in zip(names, replies) {
            guard let user = UserID(String(name.dropFirst(keys.earlierUserPrefix.count))) else { continue }
            let fields = reply.dictionary
            let epoch = Epoch(fields["epoch"]?.number ?? 0)
            for (field, value) in fields where field.hasPrefix("r:") {
                guard let coupon = CouponID(String(field.dropFirst(2))), let id = value.string.flatMap({ RedemptionID($0) })
                else {
                    continue
                }
                redemptions.append(StoredRedemption(user: user, epoch: epoch, coupon: coupon, id: id))
            }
        }
        return (names.count, redemptions, next == "0" ? nil : next)
    }

    /// Removes the users that an earlier version left here. Call it once Postgres has all of their redemptions.
    public func unlinkEarlierUsers() async throws(RedisError) {
        try await unlinkAll(keys.earlierUserPrefix)
    }
}
