public import Domain
import LuaScripts
public import RedisClient

/// The version of Redeem that keeps a shard. The key that earlier versions have its record under tells it.
public enum ShardLayout: Sendable, Hashable {
    /// Nobody has begun an epoch here: an empty Redis.
    case none
    /// This version keeps the shard.
    case current
    /// An earlier version keeps the shard, with a hash for each user.
    case earlier
}

/// The state of a shard in Redis, to be compared with Postgres.
public struct ShardStatus: Sendable, Hashable {
    public var layout: ShardLayout
    /// `nil`: there is no shard record, so the shard is closed or this Redis is empty.
    public var epoch: Epoch?
    /// The last control entry that was applied. `nil` without a shard record.
    public var control: Int?
    /// The moment at which Postgres wrote that entry (µs). `nil` without a shard record.
    public var controlMark: Int?
    /// The last entry of the outbox that was settled in this epoch: Postgres had it. `nil`: none.
    public var settled: StreamID?
    /// The highest epoch that was ever begun in this Redis; a rebuild needs a higher one. `nil`: none.
    public var begunEpoch: Epoch?
    /// The last id that the outbox gave, whether its entry is still there or trimmed. Zero without an outbox.
    public var outboxLastID: StreamID
    public var outboxLength: Int
    /// Entries that are gone from the outbox and were not settled: somebody deleted them, and Postgres may not have them. `nil`: the
    /// shard is closed, or it has had no entry yet.
    public var missingEntries: Int?
    /// True if all scripts of `Script.opening` are loaded.
    public var scriptsLoaded: Bool
    /// The Redis that was asked.
    public var redis: ReplicationID
    /// The home that the shard's record names; `nil`: Redis is in no cluster, or the shard was not opened in it.
    public var home: ShardHome?
    /// Which node of the cluster says so; `nil`: it is in no cluster.
    public var host: ShardHost?

    public init(
        layout: ShardLayout = .current,
        epoch: Epoch? = nil,
        control: Int? = nil,
        controlMark: Int? = nil,
        settled: StreamID? = nil,
        begunEpoch: Epoch? = nil,
        outboxLastID: StreamID,
        outboxLength: Int,
        missingEntries: Int? = nil,
        scriptsLoaded: Bool,
        redis: ReplicationID,
        home: ShardHome? = nil,
        host: ShardHost? = nil
    ) {
        self.layout = layout
        self.epoch = epoch
        self.control = control
        self.controlMark = controlMark
        self.settled = settled
        self.begunEpoch = begunEpoch
        self.outboxLastID = outboxLastID
        self.outboxLength = outboxLength
        self.missingEntries = missingEntries
        self.scriptsLoaded = scriptsLoaded
        self.redis = redis
        self.home = home
        self.host = host
    }
}

extension ShardStore {
    /// Reads the state of the shard. Its parts are read one after the other, without a lock, so the outbox may grow meanwhile.
    public func status() async throws(RedisError) -> ShardStatus {
        let keys = keys
        let ofCluster = client.isOfCluster ? [["HMGET", keys.shard, "node", "node_epoch", "history"]] + ShardHost.questions : []
        let (replies, id) = try await client.pipeline(to: redis, deadline: nil) { id -> [[String]] in
            [
                ["HMGET", keys.shard, "epoch", "control", "mark", "settled", "trimmed"],
                ["GET", keys.fence],
                ["XINFO", "STREAM", keys.outbox],
                ["SCRIPT", "EXISTS"] + Script.opening.map { $0.sha1(in: id) },
                ["TYPE", keys.earlierShard],
            ] + ofCluster
        }
        for (index, reply) in replies.enumerated() {
            // XINFO of a stream that is not there is an error, and no other command here has one.
            if case .error(let message) = reply, index != 2 || !message.hasPrefix("ERR no such key") {
                throw RedisError(.serverError, message)
            }
        }
        guard let shard = replies[0].array, shard.count == 5 else { throw RedisError.unexpected(replies[0], of: "HMGET") }
        let outbox = replies[2].dictionary
        return ShardStatus(
            layout: ShardStore.layout(replies[4]),
            epoch: shard[0].number.map { Epoch($0) },
            control: shard[1].number,
            controlMark: shard[2].number,
            settled: shard[3].string.flatMap { StreamID($0) },
            begunEpoch: replies[1].number.map { Epoch($0) },
            outboxLastID: outbox["last-generated-id"]?.string.flatMap { StreamID($0) } ?? .zero,
            outboxLength: outbox["length"]?.number ?? 0,
            missingEntries: ShardStore.missingEntries(trimmed: shard[4].number, outbox: outbox),
            scriptsLoaded: replies[3].array?.allSatisfy { $0.integer == 1 } ?? false,
            redis: id,
            home: ofCluster.isEmpty ? nil : ShardStore.home(replies[5]),
            host: ofCluster.isEmpty ? nil : try ShardHost(replies[6...])
        )
    }

    private static func home(_ fields: RESPValue) -> ShardHome? {
        guard let fields = fields.array, fields.count == 3, let node = fields[0].string, let epoch = fields[1].number,
            let history = fields[2].string
        else { return nil }
        return ShardHome(node: node, epoch: epoch, history: history)
    }

    /// - Parameter type: the type of the key that earlier versions have the shard's record under.
    private static func layout(_ type: RESPValue) -> ShardLayout {
        switch type.string {
        case "none": .none
        case "string": .current
        default: .earlier
        }
    }

    /// The stock left of those coupons that are loaded.
    public func stock(of coupons: [CouponID]) async throws(RedisError) -> [CouponID: Int] {
        let replies = try await pipeline(coupons.map { ["HGET", keys.coupon($0), "left"] })
        var stock: [CouponID: Int] = [:]
        for (coupon, reply) in zip(coupons, replies) { stock[coupon] = reply.number }
        return stock
    }
}
