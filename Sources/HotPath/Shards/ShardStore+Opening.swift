public import Domain
import LuaScripts
public import RedisClient

// Only a shard's owner does this. A rebuild is `close`, `beginEpoch`, `writeCoupons`, `writeShard` and `loadScripts`, in this order. A
// shard whose Redis was found sound is opened by `loadScripts` alone.
//
// An owner can be stopped for minutes and then go on with its next step. So each step that could destroy a successor's work is fenced in
// Redis by the epoch. `close` is not fenced: all that it can do to a successor is to close the shard.
extension ShardStore {
    /// Closes the shard: without coupons nothing can be redeemed, even if somebody loads the scripts. The outbox stays, to be drained.
    /// - Parameter coupons: the coupons that Postgres knows, which are removed first. Others are looked for, and removed too.
    public func close(coupons: [CouponID]) async throws(RedisError) {
        _ = try await pipeline([["SCRIPT", "FLUSH", "SYNC"], ["DEL", keys.shard]])
        try await unlink(coupons.map(keys.coupon))
        try await unlinkAll(keys.couponPrefix)
    }

    /// Removes all keys that begin with `prefix`, of any type. Only while the shard is closed.
    func unlinkAll(_ prefix: String) async throws(RedisError) {
        var position = "0"
        repeat {
            let (names, next) = try await scan(position, prefix, count: ShardStore.keysPerScanWhileClosed)
            try await unlink(names)
            position = next
        } while position != "0"
    }

    /// Throws while the shard's slot is on its way to another node of a cluster. Commands that name keys which are not there are refused
    /// then, and so a rebuild would be cut off in its middle.
    public func requireRest() async throws(RedisError) {
        guard client.isOfCluster else { return }
        let own = ClusterMember.asked(in: try await send(ClusterMember.question))
        if own?.openSlots.contains(HashSlot(of: keys.shard).number) == true {
            throw RedisError(.notConnected, "the shard's slot is on its way to another node, so it is rebuilt later")
        }
    }

    /// Begins an epoch that Postgres has committed: claims it, clears the outbox, which was drained before, and removes all users.
    /// - Throws: `isFenced` if this epoch or a later one was begun in this Redis before. An owner that still holds its lock then
    ///   needs a higher epoch (Postgres is older than this Redis: a backup was restored).
    public func beginEpoch(_ epoch: Epoch) async throws(RedisError) {
        let keys = [keys.fence, keys.outbox, keys.shard, keys.users, keys.earlierShard]
        let reply = try await send(Script.beginEpoch.evaluation(keys: keys, arguments: [String(epoch.number)]))
        let _: BeginEpochCode = try ShardStore.code(in: reply, of: .beginEpoch)
    }

    /// Writes coupons into the epoch that was begun, each with `total − redeemed` left.
    public func writeCoupons(_ coupons: [Coupon], epoch: Epoch) async throws(RedisError) {
        let perCall = 100
        for start in stride(from: 0, to: coupons.count, by: perCall) {
            let part = coupons[start..<min(start + perCall, coupons.count)]
            let command = Script.loadCoupon.evaluation(
                keys: [keys.fence, keys.shard] + part.map { keys.coupon($0.id) },
                arguments: [String(epoch.number)] + part.flatMap(\.scriptArguments)
            )
            let _: LoadCouponCode = try ShardStore.code(in: try await send(command), of: .loadCoupon)
        }
    }

    /// Writes the shard's record, after its coupons.
    /// - Parameter control: the last control entry that the coupons written contain; `mark`: when Postgres wrote it.
    public func writeShard(epoch: Epoch, control: Int, mark: Int) async throws(RedisError) {
        let command = Script.writeShard.evaluation(
            keys: [keys.fence, keys.shard],
            arguments: [String(epoch.number), String(control), String(mark)]
        )
        let _: WriteShardCode = try ShardStore.code(in: try await send(command), of: .writeShard)
    }

    /// Writes into the shard's record that it is at home where it is about to be opened. Does nothing outside a cluster.
    public func makeHome(at host: ShardHost?) async throws(RedisError) {
        guard let home = host?.home else { return }
        _ = try await send(["HSET", keys.shard, "node", home.node, "node_epoch", String(home.epoch), "history", home.history])
    }

    /// Opens the shard by loading its scripts, in this Redis and as long as it is the primary.
    public func loadScripts() async throws(RedisError) {
        let (replies, id) = try await client.pipeline(to: redis, deadline: nil) { id -> [[String]] in
            Script.opening.map { ["SCRIPT", "LOAD", $0.source(in: id)] }
        }
        for (script, reply) in zip(Script.opening, replies) where reply.string != script.sha1(in: id) {
            if case .error(let message) = reply { throw RedisError(.serverError, message) }
            throw RedisError.unexpected(reply, of: "SCRIPT LOAD")
        }
    }

    private func unlink(_ names: [String]) async throws(RedisError) {
        for start in stride(from: 0, to: names.count, by: ShardStore.pipelineLimit) {
            _ = try await send(["UNLINK"] + names[start..<min(start + ShardStore.pipelineLimit, names.count)])
        }
    }
}

extension Coupon {
    /// The coupon as `load_coupon.lua` and `apply_control.lua` take it: code digest, price, left, starts, ends, state.
    var scriptArguments: [String] {
        let moments = [startsAt, endsAt].map { moment in moment.map { String($0.milliseconds) } ?? "" }
        return [codeDigest.hex, String(price), String(total - redeemed)] + moments + [state.rawValue]
    }
}
