import Domain
import LuaScripts
public import NIOCore
public import RedisClient
import Synchronization

/// Sends redemptions in batches to Redis, where `redeem.lua` decides them and decrements the stock. Each event loop has its own, from
/// `HotPath.redeemer(on:)`: all calls are made on that loop, and all answers come there.
public final class Redeemer {
    /// An error's `outcomeIsUnknown` says that the redemption may have been accepted.
    public typealias Completion = (Result<RedeemReply, RedisError>) -> Void

    private struct Pending {
        let request: RedeemRequest
        let completion: Completion
    }

    private typealias Batches = RedeemBatches<Pending>

    /// A call that was sent.
    private struct Sent {
        let batch: [Pending]
        let line: Batches.Line
        let time: NIODeadline
    }

    public let eventLoop: any EventLoop
    private let client: RedisClient
    private lazy var connection = client.connection(on: eventLoop)
    private let shards: ShardMap
    private let keys: [Keys]
    private let memory: MemoryState
    /// The SHA-1 of redeem.lua as it is loaded, and the Redis that has it.
    private var loadedScript: (redis: ReplicationID?, sha1: String) = (nil, "")
    private let wrongCodes: String
    private let wrongCodeWindowMilliseconds: String
    private let outboxEntries: String
    private let replicas: Int
    private let replicationTimeoutMilliseconds: Int
    private var batches: Batches
    private var soldOut: SoldOutCache<Batches.Line>
    /// The calls that are to be answered when replicas have them, and whose WAIT is not sent yet.
    private var unreplicated: Replication?
    private var isWaitingForReplicas = false

    init(client: RedisClient, eventLoop: any EventLoop, shards: ShardMap, limits: HotPathLimits, memory: MemoryState) {
        precondition((1...HotPathLimits.redemptionsPerCallGreatest).contains(limits.redemptionsPerCall))
        precondition(limits.soldOutAge >= .zero && limits.soldOutCoupons >= 0)
        precondition(limits.wrongCodes >= 1 && limits.wrongCodeWindow >= .milliseconds(1) && limits.outboxEntries >= 1)
        precondition(limits.replicas >= 1 && limits.replicationTimeout >= .milliseconds(1))
        self.client = client
        self.eventLoop = eventLoop
        self.shards = shards
        self.memory = memory
        keys = shards.shards.map(Keys.init)
        wrongCodes = String(limits.wrongCodes)
        wrongCodeWindowMilliseconds = String(limits.wrongCodeWindow.milliseconds)
        outboxEntries = String(limits.outboxEntries)
        replicas = limits.replicas
        replicationTimeoutMilliseconds = Int(limits.replicationTimeout.milliseconds)
        batches = Batches(
            batchLimit: limits.redemptionsPerCall,
            callLimit: limits.callsPerCoupon,
            waitingLimit: limits.waitingPerEventLoop,
            waitLimit: TimeAmount(client.configuration.commandDeadline / 2)
        )
        soldOut = SoldOutCache(age: TimeAmount(limits.soldOutAge), limit: limits.soldOutCoupons)
    }

    /// Decides one request.
    /// - Parameter completion: called exactly once; where nothing could be sent, before this returns.
    public func redeem(_ request: RedeemRequest, _ completion: @escaping Completion) {
        eventLoop.preconditionInEventLoop()
        let line = Batches.Line(shard: shards.shard(of: request.user), coupon: request.coupon)
        let now = eventLoop.now
        // Everybody gets this answer, with a right code or a wrong one. So it tells nothing of codes, and is not counted as an attempt.
        if !request.mayBeRepeat, soldOut.holds(line, now: now) { return completion(.success(.soldOut)) }
        let pending = Pending(request: request, completion: completion)
        switch batches.arrived(pending, in: line, now: now) {
        case .send(let next):
            send(next, in: line)
            // A call of several leaves at once: Redis decides while we read on.
            if next.batch.count > 1 { connection.flush() }
        case .wait: break
        case .refuse:
            completion(.failure(RedisError(.pendingLimitReached, "\(batches.waitingCount) redemptions wait to be sent")))
        }
    }

    /// The number of requests that wait to be sent.
    public var waitingCount: Int {
        eventLoop.preconditionInEventLoop()
        return batches.waitingCount
    }

    private func send(_ next: Batches.Next, in line: Batches.Line) {
        if !next.batch.isEmpty { send(next.batch, in: line) }
        for pending in next.expired {
            pending.completion(.failure(RedisError(.deadlineExceeded, "waited too long to be sent")))
        }
    }

    private func send(_ batch: [Pending], in line: Batches.Line) {
        let keys = keys[line.shard.index]
        let sent = Sent(batch: batch, line: line, time: eventLoop.now)
        let replication = batch.contains { $0.request.durability == .replicated } ? nextReplication() : nil
        // Without a connection nothing is sent, and the name does not matter.
        if let redis = connection.replicationID, redis != loadedScript.redis {
            loadedScript = (redis, Script.redeem.sha1(in: redis))
        }
        let sha1 = loadedScript.sha1
        // In a sale nearly all requests have the same code. It is sent once a call then, so Redis reads it, and Lua interns it, once.
        let digest = batch[0].request.codeDigest
        let hasOneCode = batch.allSatisfy { $0.request.codeDigest == digest }
        connection.send(
            // EVALSHA, digest, number of keys; coupon, outbox, users, sessions; the three limits, the redemptions, one code or many.
            arguments: 10 + batch.count + (hasOneCode ? 1 : batch.count),
            encode: { command in
                command.append("EVALSHA")
                command.append(sha1)
                command.append(3 + batch.count)
                command.append(keys.couponPrefix, line.coupon.description)
                command.append(keys.outbox)
                command.append(keys.users)
                for pending in batch { command.append(keys.sessionPrefix, pending.request.session.uuid) }
                command.append(wrongCodes)
                command.append(wrongCodeWindowMilliseconds)
                command.append(memory.isShort.load(ordering: .relaxed) ? "0" : outboxEntries)
                command.append(redemptionsOf: batch.lazy.map(\.request))
                if hasOneCode {
                    command.append(digest)
                } else {
                    for pending in batch { command.append(pending.request.codeDigest) }
                }
            },
            completion: { result in
                switch result {
                case .success(let reply):
                    if let replication, !replication.isOver {
                        replication.decided.append((sent, reply))
                    } else {
                        self.answered(reply, to: sent, isReplicated: false)
                    }
                case .failure(let error): self.failed(error, batch, in: line)
                }
            }
        )
    }

    // MARK: Durability `replicated`

    /// Calls that are answered when replicas have them, and Redis's replies to them.
    private final class Replication {
        var decided: [(Sent, RESPValue)] = []
        /// True once their WAIT has returned or could not be sent. A reply that comes later is answered at once.
        var isOver = false
    }

    private func nextReplication() -> Replication {
        if let unreplicated { return unreplicated }
        let replication = Replication()
        unreplicated = replication
        eventLoop.assumeIsolated().execute { self.waitForReplicas() }
        return replication
    }

    /// Sends one WAIT behind all calls of a tick. Redis reads nothing from a connection that waits. So while one WAIT is under way, the
    /// next is for the calls of all ticks until it returns, and a replica that hangs delays nothing for longer than two WAITs.
    private func waitForReplicas() {
        guard !isWaitingForReplicas, let replication = unreplicated else { return }
        unreplicated = nil
        isWaitingForReplicas = true
        connection.send(
            arguments: 3,
            encode: { command in
                command.append("WAIT")
                command.append(replicas)
                command.append(replicationTimeoutMilliseconds)
            },
            completion: { result in
                self.isWaitingForReplicas = false
                replication.isOver = true
                self.waitForReplicas()
                // Without an answer, or with too small a number, nobody knows whether the decisions survive the loss of this Redis.
                let acknowledged = (try? result.get())?.number ?? 0
                for (sent, reply) in replication.decided {
                    self.answered(reply, to: sent, isReplicated: acknowledged >= self.replicas)
                }
            }
        )
    }

    // MARK: Answers

    /// Answers the requests of a call. The next call is sent before, so that Redis decides while the answers are written.
    private func answered(_ reply: RESPValue, to sent: Sent, isReplicated: Bool) {
        let line = sent.line
        send(batches.answered(sent.batch.count, of: line, now: eventLoop.now), in: line)
        connection.flush()

        let call = RedeemReply.Call(reply, requests: sent.batch.count)
        for (index, pending) in sent.batch.enumerated() {
            let decided = call?.reply(index, to: pending.request)
            if case .soldOut = decided { soldOut.learn(line, asked: sent.time) }
            if case .accepted = decided { soldOut.forget(line) }
            if pending.request.durability == .replicated, !isReplicated, decided?.isPromise == true {
                pending.completion(.failure(.notReplicated(replicas: replicas, within: replicationTimeoutMilliseconds)))
                continue
            }
            pending.completion(decided.map { .success($0) } ?? .failure(.unexpected(reply, of: Script.redeem.rawValue)))
        }
    }

    /// Fails the requests of a call, and the waiting ones too, which would meet the same failure later. These were not sent, so none of
    /// them was accepted.
    private func failed(_ error: RedisError, _ batch: [Pending], in line: Batches.Line) {
        let waiting = batches.failed(batch.count, of: line)
        for pending in batch { pending.completion(.failure(error)) }
        let notSent = RedisError(error.code, error.message)
        for pending in waiting { pending.completion(.failure(notSent)) }
    }
}
