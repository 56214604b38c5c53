import Domain
public import NIOCore

/// The hot path: redemptions, decided by `redeem.lua`. One for each event loop, from `HotPath.redeemer(on:)`; all calls are
/// made on that loop and all answers come there.
public final class Redeemer {
    /// An error's `outcomeIsUnknown` says that the redemption may have been accepted.
    public typealias Completion = (Result<RedeemReply, RedisError>) -> Void

    private struct Pending {
        let request: RedeemRequest
        let completion: Completion
    }

    private typealias Batches = RedeemBatches<Pending>

    public let eventLoop: any EventLoop
    private let client: RedisClient
    private lazy var connection = client.connection(on: eventLoop)
    private let shards: ShardMap
    private let keys: [Keys]
    /// What the script is called by, and where.
    private var name: (redis: ReplicationID?, sha1: String) = (nil, "")
    private let wrongCodes: String
    private let wrongCodeWindowMilliseconds: String
    private var batches: Batches
    private var soldOut: SoldOutMemory<Batches.Line>

    init(client: RedisClient, eventLoop: any EventLoop, shards: ShardMap, limits: HotPathLimits) {
        precondition((1...HotPathLimits.redemptionsPerCallGreatest).contains(limits.redemptionsPerCall))
        precondition(limits.soldOutAge >= .zero && limits.soldOutCoupons >= 0)
        precondition(limits.wrongCodes >= 1 && limits.wrongCodeWindow >= .milliseconds(1))
        self.client = client
        self.eventLoop = eventLoop
        self.shards = shards
        keys = shards.shards.map(Keys.init)
        wrongCodes = String(limits.wrongCodes)
        wrongCodeWindowMilliseconds = String(limits.wrongCodeWindow.milliseconds)
        batches = Batches(
            batchLimit: limits.redemptionsPerCall,
            waitingLimit: limits.waitingPerEventLoop,
            waitLimit: TimeAmount(limits.waitLimit)
        )
        soldOut = SoldOutMemory(age: TimeAmount(limits.soldOutAge), limit: limits.soldOutCoupons)
    }

    /// Decides one request.
    /// - Parameter completion: called exactly once; where nothing could be sent, before this returns.
    public func redeem(_ request: RedeemRequest, _ completion: @escaping Completion) {
        eventLoop.preconditionInEventLoop()
        let line = Batches.Line(shard: shards.shard(of: request.user), coupon: request.coupon)
        let now = eventLoop.now
        // Told to whoever asks, with a right code or a wrong one: so it tells nothing of codes, and nobody's tries are counted.
        if !request.mayBeRepeat, soldOut.holds(line, now: now) { return completion(.success(.soldOut)) }
        let pending = Pending(request: request, completion: completion)
        switch batches.arrived(pending, in: line, now: now) {
        case .send: send([pending], in: line)
        case .wait: break
        case .refuse:
            completion(.failure(RedisError(.pendingLimitReached, "\(batches.waitingCount) redemptions wait to be sent")))
        }
    }

    /// Requests that wait for the call before theirs to return.
    public var waitingCount: Int {
        eventLoop.preconditionInEventLoop()
        return batches.waitingCount
    }

    private func send(_ batch: [Pending], in line: Batches.Line) {
        let keys = keys[line.shard.index]
        let sent = eventLoop.now
        // Without a connection nothing is sent.
        if let redis = connection.replicationID, redis != name.redis { name = (redis, Script.redeem.sha1(in: redis)) }
        let sha1 = name.sha1
        connection.send(
            // EVALSHA, digest, number of keys; coupon and outbox; the two limits; two keys and two arguments a request.
            arguments: 7 + 4 * batch.count,
            encode: { command in
                command.append("EVALSHA")
                command.append(sha1)
                command.append(2 + 2 * batch.count)
                command.append(keys.couponPrefix, line.coupon.description)
                command.append(keys.outbox)
                for pending in batch {
                    command.append(keys.userPrefix, pending.request.user.uuid)
                    command.append(keys.sessionPrefix, pending.request.session.uuid)
                }
                command.append(wrongCodes)
                command.append(wrongCodeWindowMilliseconds)
                var digest: CodeDigest?
                for pending in batch {
                    command.append(pending.request.tail)
                    // Most of a sale enter one code, which Redis then takes, and Lua interns, once a call.
                    if pending.request.codeDigest == digest {
                        command.append("")
                    } else {
                        command.append(pending.request.codeDigest)
                    }
                    digest = pending.request.codeDigest
                }
            },
            completion: { result in
                switch result {
                case .success(let reply): self.answered(reply, to: batch, in: line, sent: sent)
                case .failure(let error): self.failed(error, batch, in: line)
                }
            }
        )
    }

    /// The next call leaves before the answers of this one go out: Redis decides while we write.
    private func answered(_ reply: RESPValue, to batch: [Pending], in line: Batches.Line, sent: NIODeadline) {
        let next = batches.answered(line, now: eventLoop.now)
        if !next.batch.isEmpty {
            send(next.batch, in: line)
            connection.flush()
        }
        for pending in next.expired {
            pending.completion(.failure(RedisError(.deadlineExceeded, "waited too long to be sent")))
        }

        let call = RedeemReply.Call(reply, requests: batch.count)
        for (index, pending) in batch.enumerated() {
            let decided = call?.reply(index, to: pending.request)
            if case .soldOut = decided { soldOut.learn(line, asked: sent) }
            if case .accepted = decided { soldOut.forget(line) }
            pending.completion(decided.map { .success($0) } ?? .failure(.unexpected(reply, of: Script.redeem.rawValue)))
        }
    }

    /// What waits would meet the same failure, later. It was not sent, so nothing of it happened.
    private func failed(_ error: RedisError, _ batch: [Pending], in line: Batches.Line) {
        let waiting = batches.failed(line)
        for pending in batch { pending.completion(.failure(error)) }
        let notSent = RedisError(error.code, error.message)
        for pending in waiting { pending.completion(.failure(notSent)) }
    }
}
