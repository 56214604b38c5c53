public import Domain
public import NIOCore
public import RedisClient
import Synchronization

/// Everything that Redeem does in Redis: redemptions, the state of the shards, and sessions.
public final class HotPath: Sendable {
    public let client: RedisClient
    public let shards: ShardMap
    public let limits: HotPathLimits
    /// One for each shard, at the shard's index.
    public let stores: [ShardStore]
    public let sessions: SessionStore
    private let eventLoops: [any EventLoop]
    private let redeemers: [ObjectIdentifier: NIOLoopBoundBox<Redeemer>]
    private let turn = Atomic<Int>(0)
    private let memory: MemoryState

    public init(client: RedisClient, shards: ShardMap = ShardMap(), limits: HotPathLimits = HotPathLimits()) {
        self.client = client
        self.shards = shards
        self.limits = limits
        stores = shards.shards.map { ShardStore(shard: $0, client: client) }
        sessions = SessionStore(client: client, shards: shards)
        eventLoops = client.eventLoops
        let memory = MemoryState()
        self.memory = memory
        redeemers = Dictionary(
            uniqueKeysWithValues: client.eventLoops.map { eventLoop in
                let redeemer = Redeemer(client: client, eventLoop: eventLoop, shards: shards, limits: limits, memory: memory)
                return (ObjectIdentifier(eventLoop), NIOLoopBoundBox.makeBoxSendingValue(redeemer, eventLoop: eventLoop))
            }
        )
    }

    /// The redeemer of an event loop of the client's group, always the same one. Call this on that loop, and use the redeemer there.
    public func redeemer(on eventLoop: any EventLoop) -> Redeemer {
        guard let redeemer = redeemers[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("not an event loop of the client's group")
        }
        return redeemer.value
    }

    /// Redeems for a caller that is on no event loop. The event loops take such requests by turns.
    public func redeem(_ request: RedeemRequest) async throws(RedisError) -> RedeemReply {
        let place = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let eventLoop = eventLoops[Int(UInt(bitPattern: place) % UInt(eventLoops.count))]
        let result: Result<RedeemReply, RedisError> = await withCheckedContinuation { continuation in
            eventLoop.execute {
                self.redeemer(on: eventLoop).redeem(request) { continuation.resume(returning: $0) }
            }
        }
        return try result.get()
    }

    /// Tells all redeemers whether Redis is so full that no redemption must be accepted (`backlogFull`).
    /// - Returns: true if they did not know it.
    public func setMemoryShort(_ isShort: Bool) -> Bool {
        memory.isShort.exchange(isShort, ordering: .relaxed) != isShort
    }

    public func store(for user: UserID) -> ShardStore { store(shards.shard(of: user)) }

    public func store(_ shard: Shard) -> ShardStore { stores[shard.index] }
}

/// Tells all redeemers whether Redis is short of memory.
final class MemoryState: Sendable {
    let isShort = Atomic<Bool>(false)
}
