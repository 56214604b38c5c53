import Domain
import HotPath
import Logging
import NIOCore
import RedisClient

/// Decides redemptions. If Redis does not have the user yet, it loads the user and asks again. Each event loop has its own: calls
/// are made, and answers come, on that loop. With a loaded user a decision is one call of the redeemer and nothing else.
final class RedemptionDecider {
    private let eventLoop: any EventLoop
    private let redeemer: Redeemer
    private let redis: RedisConnection
    private let hotPath: HotPath
    private let users: UserLoader
    private let durability: DurabilityGuard
    private let ledger: LedgerWatch
    private let logger: Logger
    private var lockOuts = LockOuts()

    /// How often a user is loaded for one redemption. Once is the rule; a second time means that the shard was opened again in
    /// between.
    private static let tries = 2

    init(
        on eventLoop: any EventLoop,
        hotPath: HotPath,
        users: UserLoader,
        durability: DurabilityGuard,
        ledger: LedgerWatch,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.hotPath = hotPath
        self.users = users
        self.durability = durability
        self.ledger = ledger
        self.logger = logger
        redeemer = hotPath.redeemer(on: eventLoop)
        redis = hotPath.client.connection(on: eventLoop)
    }

    func decide(_ request: RedeemRequest, _ completion: @escaping (RedemptionAnswer) -> Void) {
        guard durability.holds(request.durability) else {
            let detail = "Durability '\(request.durability.rawValue)' cannot be kept at present. Nothing was changed."
            return completion(.refused(Problem(.durabilityUnavailable, detail)))
        }
        guard request.durability == .ledger else { return ask(request, userLoads: 0, couponLooks: 0, completion) }
        guard ledger.hasRoom else { return completion(.refused(Problem(.overloaded))) }
        ask(request, userLoads: 0, couponLooks: 0) { [self] answer in
            guard case .redeemed(let redemption, _, _) = answer else { return completion(answer) }
            ledger.isStored(redemption.id, on: eventLoop).assumeIsolated().whenSuccess { isStored in
                completion(isStored ? answer : .refused(Problem(.outcomeUnknown)))
            }
        }
    }

    private func ask(
        _ request: RedeemRequest,
        userLoads: Int,
        couponLooks: Int,
        _ completion: @escaping (RedemptionAnswer) -> Void
    ) {
        redeemer.redeem(request) { [self] result in
            switch result {
            case .failure(let error): completion(.refused(Problem(write: error)))
            case .success(.userNotLoaded):
                guard userLoads < RedemptionDecider.tries else { return completion(.refused(Problem(.shardClosed))) }
                load(request.user) { [self] problem in
                    if let problem { return completion(.refused(problem)) }
                    ask(request, userLoads: userLoads + 1, couponLooks: couponLooks, completion)
                }
            case .success(.couponNotLoaded):
                guard couponLooks < 1 else { return completion(.refused(Problem(.couponNotFound))) }
                lookAtShard(of: request.user) { [self] problem in
                    if let problem { return completion(.refused(problem)) }
                    // The shard is open now, but it may have been opened in between, so the second answer counts.
                    ask(request, userLoads: userLoads, couponLooks: couponLooks + 1, completion)
                }
            case .success(let reply):
                if case .tooManyAttempts(let seconds) = reply { tell(request, lockedFor: seconds) }
                guard let answer = RedemptionAnswer(reply, durability: request.durability) else {
                    preconditionFailure("no answer to \(reply.code)")
                }
                completion(answer)
            }
        }
    }

    private func tell(_ request: RedeemRequest, lockedFor seconds: Int) {
        guard lockOuts.isNew(request.user, for: .seconds(Int64(seconds)), now: eventLoop.now) else { return }
        logger.info(
            "a user is locked out: too many wrong codes",
            metadata: ["user": "\(request.user)", "session": "\(request.session)", "seconds": "\(seconds)"]
        )
    }

    private func load(_ user: UserID, _ completion: @escaping (Problem?) -> Void) {
        users.load(user, on: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(.loaded): completion(nil)
            // The token is ours and its user is not there, so the user was deleted.
            case .success(.unknown): completion(Problem(.tokenInvalid))
            case .success(.failed(let problem)): completion(problem)
            case .failure: completion(Problem(.internal))
            }
        }
    }

    /// Looks whether the user's shard is open. A shard that is closed or being rebuilt has no record.
    private func lookAtShard(of user: UserID, _ completion: @escaping (Problem?) -> Void) {
        let key = Keys(hotPath.shards.shard(of: user)).shard
        redis.send(["HGET", key, "epoch"]) { result in
            switch result {
            case .success(.null): completion(Problem(.shardClosed))
            case .success: completion(nil)
            case .failure(let error): completion(Problem(read: error))
            }
        }
    }
}
