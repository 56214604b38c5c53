import Domain
import HotPath
import RedisClient
import TestSupport

extension SyncEnvironment {
    /// Makes of this Redis what an earlier version would have made of the same redemptions: a hash for each user, entries of the outbox
    /// with user and tail as fields, its record where the later one leaves a sign, and none of its scripts.
    func makeEarlierLayout() async throws {
        let keys = Keys(store.shard)
        let epoch = try await client.send(["HGET", keys.shard, "epoch"]).string ?? ""
        let records = try await client.send(["HGETALL", keys.users]).array ?? []
        for place in stride(from: 0, to: records.count, by: 2) {
            guard let user = records[place].bytes.flatMap({ UUIDv7(bytes: $0) }), let record = records[place + 1].bytes else {
                continue
            }
            guard let record = UserRecord(record) else { throw TestFailure("no record: \(record)") }
            var fields = ["epoch", epoch, "credit", "\(record.available)", "held", "0", "control", "\(record.control)"]
            for (coupon, id) in record.redemptions { fields += ["r:\(coupon)", "\(id)"] }
            _ = try await client.send(["HSET", "{s0}:user:\(user)"] + fields)
        }
        let entries = try await store.readOutbox(after: .zero, count: 1_000)
        if !entries.isEmpty { _ = try await client.send(["DEL", keys.outbox]) }
        for case .entry(let entry) in entries {
            let first = entry.redemptions[0]
            var fields = ["epoch", "\(entry.epoch)", "coupon", "\(first.coupon)", "price", "\(first.price)"]
            for redemption in entry.redemptions { fields += ["\(redemption.user)", "\(redemption.id.uuid.tail)"] }
            _ = try await client.send(["XADD", keys.outbox, "\(entry.id)"] + fields)
        }
        _ = try await client.send(["DEL", keys.users, keys.earlierShard])
        _ = try await client.send(["RENAME", keys.shard, keys.earlierShard])
        _ = try await client.send(["SCRIPT", "FLUSH"])
    }
}
