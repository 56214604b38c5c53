import Domain
import Logging
import LuaScripts
import PostgresClient
import RedisClient
import TestSupport

@testable import HotPath
@testable import Persistence
@testable import Sync

/// A sale of a few users and coupons: two workers, a server, an operator and a nemesis beside each other, all of them driven by
/// one seed. The workers are the real ones, and so is what the stores send. `+Faults` disturbs them, `+Promises` watches.
final class SaleSimulation {
    struct Bugs: Sendable {
        var owner: OwnerBug?
        var script: ScriptBug?
    }

    struct Worker {
        let process: SimulatedProcess
        let task: Task<Void, Never>
    }

    let simulation: Simulation
    let keys = Keys(Shard(index: 0))
    let users: [UserID]
    var workers: [Worker] = []
    var accepted: [RedemptionID: Accepted] = [:]
    /// What Redis was at some moments, to be put back.
    var older: [SimulatedRedis.Saved] = []
    /// The same of Postgres.
    var dumps: [SimulatedPostgres.Saved] = []
    /// The highest epoch that there was when a dump was put back.
    var restoredIn: Int?
    /// Loaded from what a Postgres had that was not the dump: until they are loaded again `redeem reconcile` calls that drift.
    var mayDiffer: Set<UserID> = []
    /// Faults by name, and other things that a test wants to have seen.
    private(set) var seen: [String: Int] = [:]
    private let bugs: Bugs
    /// What faults this schedule has: not all of them, so that each gets into places where others would be in its way.
    let faults: [Fault]
    private var logins: [UserID: SessionID] = [:]
    private var sessions = 0
    /// Who come one after the other as soon as the shard is open again.
    private var buyers = 0
    private static let buyersAfterReplacement = 12
    /// Read, and on their way to Redis.
    var snapshots: [UserSnapshot] = []

    var redis: SimulatedRedis { simulation.redis }
    var postgres: SimulatedPostgres { simulation.postgres }
    var trace: [String] { simulation.trace ?? [] }

    init(seed: UInt64, bugs: Bugs = Bugs(), isTracing: Bool = false) {
        let simulation = Simulation(seed: seed, isTracing: isTracing)
        self.simulation = simulation
        self.bugs = bugs
        let some = Fault.allCases.filter { _ in simulation.random.chance(40) }
        faults = some.isEmpty ? Fault.allCases : some
        users = (0..<6).map { UserID(uuid: UUIDv7(milliseconds: 1, tail: UUIDv7.Tail(high: 0, low: UInt64($0)))) }
        simulation.postgres.bug = bugs.owner
        simulation.redis.bug = bugs.script
        simulation.redis.happened = { [unowned self] in check($0) }
        for user in users { postgres.create(user, credit: 40) }
        for name in ["tea", "jam"] { createCoupon(name) }
        dumps = [postgres.saved]
    }

    /// - Returns: the promise that was broken, if any.
    func run() -> String? {
        for number in 0..<2 { startWorker("worker \(number)") }
        let length = Int.random(in: 200...600, using: &simulation.random)
        while simulation.steps < length, simulation.violation == nil {
            act()
            _ = simulation.step()
        }
        if simulation.violation == nil { heal() }
        if simulation.violation == nil { checkAtTheEnd() }
        stop()
        return simulation.violation
    }

    func count(_ what: String) { seen[what, default: 0] += 1 }

    private func act() {
        // Chance alone seldom replaces Redis between an owner's verdict and what it does then, and seldom has somebody come at once.
        let mayBeReplaced = redis.isCompared && !redis.isOpen && !postgres.rows.isEmpty && self.faults.contains(.redisRestored)
        if mayBeReplaced, simulation.random.chance(60) {
            buyers = SaleSimulation.buyersAfterReplacement
            return disturb(by: .redisRestored)
        }
        if buyers > 0, redis.isOpen {
            buyers -= 1
            redeem()
            loadUser()
        }
        // Before there is anything to break, less is worth breaking.
        let faults = redis.isOpen ? 4 : 1
        switch Int.random(in: 0..<100, using: &simulation.random) {
        case 0..<12: if redis.isUp { redeem() }
        case 12..<18: if redis.isUp { loadUser() }
        case 18..<22: operate()
        case 22..<(22 + faults): disturb()
        case 30...31: older.append(redis.saved)
        case 32: dumps.append(postgres.saved)
        default: break
        }
    }

    // MARK: Workers

    func startWorker(_ name: String) {
        let process = SimulatedProcess(name)
        let client = SimulatedClient(simulation: simulation, process: process, bug: bugs.owner)
        let store = ShardStore(shard: Shard(index: 0), client: client)
        let simulation = simulation
        var configuration = SyncConfiguration()
        configuration.entriesPerBatch = Int.random(in: 1...4, using: &simulation.random)
        configuration.couponCheckInterval = .seconds(1)
        configuration.controlEntriesPerRead = 2
        let owner = ShardOwner(
            store: store,
            reader: store,
            sessions: SessionStore(client: client, shards: ShardMap()),
            reconcile: nil,
            connect: { _ in
                guard !process.isDead else { throw CancellationError() }
                return SimulatedPostgresConnection(simulation, process, store: store)
            },
            configuration: configuration,
            clock: SyncClock(
                now: { simulation.origin + .milliseconds(simulation.now) },
                sleep: { await simulation.sleep(process, $0) }
            ),
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        )
        workers.append(Worker(process: process, task: Task(executorPreference: simulation.executor) { await owner.run() }))
    }

    /// Whatever was under way arrives or does not, and nothing is answered. What the tasks do as they end reaches nobody.
    func kill(_ worker: Worker) {
        workers.removeAll { $0.process === worker.process }
        worker.task.cancel()
        worker.process.isDead = true
        for connection in postgres.connections where connection.process === worker.process {
            connection.lose(isDropped: simulation.random.chance(50))
        }
        for call in simulation.calls where call.process === worker.process && !call.isAnswered { loseAtRandom(call) }
    }

    /// Lets every task end.
    private func stop() {
        for worker in workers { kill(worker) }
        for call in simulation.calls { simulation.lose(call, isDropped: true) }
        simulation.run()
    }

    // MARK: What happens

    private func operate() {
        let user = users.randomElement(using: &simulation.random)!
        let coupon = postgres.coupons.randomElement(using: &simulation.random)!.id
        switch Int.random(in: 0..<21, using: &simulation.random) {
        case 0..<5: postgres.grant(user, 10)
        case 5..<9: postgres.restock(coupon, by: 1)
        case 9..<13: postgres.setState(coupon, simulation.random.chance(50) ? .paused : .active)
        // Of one user alone: the order in which several users' sessions end is that of a dictionary, another in each process.
        case 13..<17: postgres.revokeSessions(of: users[0])
        case 17: postgres.rebuildShard()
        default: if postgres.coupons.count < 4 { createCoupon("coupon-\(postgres.coupons.count)") }
        }
        simulation.note("an operator changes something: \(postgres.log.last!.content)")
    }

    private func createCoupon(_ name: String) {
        postgres.create(Coupon(id: CouponID(name)!, name: name, codeDigest: SaleSimulation.digest, price: 10, total: 3))
    }

    private static let digest = CodeDigest(bytes: Array(repeating: 7, count: 32))!

    // MARK: Servers

    /// Some users' requests for one coupon, in one call. A server is no part of what is tested: what it does is a step.
    private func redeem() {
        let coupons = postgres.coupons
        let number = Int.random(in: coupons.indices, using: &simulation.random)
        let coupon = coupons[number].id
        let buyers = users.indices.shuffled(using: &simulation.random).prefix(Int.random(in: 1...3, using: &simulation.random))
        var names = [keys.coupon(coupon), keys.outbox, keys.users]
        var tails: [UUIDv7.Tail] = []
        for place in buyers {
            // Few, so that requests are repeated; each of one user and one coupon alone.
            let key = Int.random(in: 1...4, using: &simulation.random)
            names.append(keys.session(session(of: users[place])))
            tails.append(UUIDv7.Tail(high: UInt16(number), low: UInt64(place * 16 + key)))
        }
        let redemptions = buyers.flatMap { users[$0].uuid.bytes } + tails.flatMap { Array($0.base64URL.utf8) }
        let arguments = ["4", "1000", "100", String(simulated: redemptions), SaleSimulation.digest.hex]
        let call = ["EVALSHA", Script.redeem.sha1(in: redis.id), "\(names.count)"] + names + arguments
        let codes = (redis.execute(call).array?[2].string ?? "").utf8.map { RedeemCode(letter: $0) }
        for (place, code) in zip(buyers, codes) {
            if code == .userNotLoaded, let snapshot = postgres.snapshot(of: users[place]) { snapshots.append(snapshot) }
            if code == .sessionRevoked { logins[users[place]] = nil }
        }
    }

    /// A session that was begun with the user's present credentials, unless it was begun before they changed.
    private func session(of user: UserID) -> SessionID {
        if let login = logins[user] { return login }
        sessions += 1
        let login = SessionID(uuid: UUIDv7(milliseconds: 2, tail: UUIDv7.Tail(high: 0, low: UInt64(sessions))))
        let values = ["100000000", "100000000", "100", "user", "\(user)", "version", "\(postgres.versions[user]!)"]
        let reply = redis.execute(
            Script.createSession.call(keys: [keys.session(login), keys.sessions(user)], arguments: values)
        )
        if reply.array != nil { logins[user] = login }
        return login
    }

    /// What was read of a user some time ago is taken to Redis.
    private func loadUser() {
        guard let place = snapshots.indices.randomElement(using: &simulation.random) else { return }
        let snapshot = snapshots.remove(at: place)
        let earlier = snapshot.redemptions.flatMap { ["\($0.key)", $0.value.uuid.base64URL] }
        _ = redis.execute(
            Script.loadUser.call(
                keys: [keys.shard, keys.users],
                arguments: ["\(snapshot.epoch)", "\(snapshot.balance)", "\(snapshot.control)"]
                    + [String(simulated: snapshot.user.uuid.bytes)] + earlier
            )
        )
    }
}
