public import Domain

extension ShardStore {
    /// Applies the next entry of the control log, as `apply_control.lua` says.
    public func applyControl(_ entry: ControlEntry, epoch: Epoch) async throws(RedisError) -> ApplyControlReply {
        let target: String
        let change: [String]
        switch entry.change {
        case .couponCreated(let coupon):
            target = keys.coupon(coupon.id)
            change = coupon.scriptArguments
        case .couponState(let coupon, let state):
            target = keys.coupon(coupon)
            change = [state.rawValue]
        case .couponRestocked(let coupon, let amount):
            target = keys.coupon(coupon)
            change = [String(amount)]
        case .creditGranted(let user, let amount):
            target = keys.user(user)
            change = [String(amount)]
        case .userSessionsRevoked, .sessionsRevoked:
            // The caller has ended them, and this only counts the entry.
            target = keys.shard
            change = []
        }
        return try await call(
            .applyControl,
            keys: [keys.shard, target],
            arguments: [String(epoch.number), String(entry.sequence), entry.change.kind.rawValue] + change,
            as: ApplyControlReply.self
        )
    }
}
