import Domain
import TestSupport

@testable import HotPath

enum Fault: String, CaseIterable {
    case workerKilled = "a worker is killed"
    case workerStopped = "a worker is stopped"
    case workerReplaced = "a worker is stopped, and Postgres ends its connections"
    case workersContinued = "workers go on"
    case redisConnectionsLost = "the connections of a worker to Redis break"
    case postgresConnectionLost = "a connection to Postgres breaks"
    case postgresRestarted = "Postgres restarts"
    case deadlinePassed = "a command is not answered in time"
    case redisStopped = "Redis stops"
    case redisRestarted = "Redis restarts"
    case redisRestored = "Redis restarts with what it had before"
    case postgresRestored = "an older dump of Postgres is put back"
    case redisFlushed = "FLUSHALL"
    case scriptsFlushed = "SCRIPT FLUSH"
    case couponDeleted = "somebody deletes a coupon"
}

extension SaleSimulation {
    func disturb() {
        if !redis.isUp, simulation.random.chance(50) { return startRedis() }
        disturb(by: faults.randomElement(using: &simulation.random)!)
    }

    func disturb(by fault: Fault) {
        simulation.note("FAULT: \(fault.rawValue)")
        count(fault.rawValue)
        let worker = workers.randomElement(using: &simulation.random)!
        switch fault {
        case .workerKilled:
            kill(worker)
            startWorker(worker.process.name)
        case .workerStopped: worker.process.isStopped = true
        case .workerReplaced:
            // As it does with those of who is silent.
            let owner = workers.first { $0.process === postgres.owner?.process } ?? worker
            owner.process.isStopped = true
            for connection in postgres.connections where connection.process === owner.process { connection.lose(isDropped: true) }
        case .workersContinued: continueWorkers()
        case .redisConnectionsLost:
            for call in simulation.calls where call.process === worker.process && !call.isAnswered {
                if case .redis = call.target { loseAtRandom(call) }
            }
        case .postgresConnectionLost:
            postgres.connections.randomElement(using: &simulation.random)?.lose(isDropped: simulation.random.chance(50))
        case .postgresRestarted:
            for connection in postgres.connections { connection.lose(isDropped: simulation.random.chance(80)) }
        case .deadlinePassed:
            let waiting = simulation.calls.filter { if case .redis = $0.target { !$0.isAnswered } else { false } }
            if let call = waiting.randomElement(using: &simulation.random) { simulation.lose(call, isDropped: false) }
        case .postgresRestored: restorePostgres()
        case .redisStopped: stopRedis()
        case .redisRestarted:
            stopRedis()
            startRedis()
        case .redisRestored:
            stopRedis()
            startRedis(with: older.randomElement(using: &simulation.random))
        case .redisFlushed:
            lost(to: SimulatedRedis.Saved())
            redis.saved = SimulatedRedis.Saved()
        case .scriptsFlushed: redis.forgetScripts()
        case .couponDeleted: redis.saved.keys[keys.coupon(postgres.coupons.randomElement(using: &simulation.random)!.id)] = nil
        }
        // A worker that is stopped goes on some time later, whatever else there is.
        if simulation.random.chance(20) { continueWorkers() }
    }

    private func continueWorkers() { for worker in workers { worker.process.isStopped = false } }

    func loseAtRandom(_ call: Call) { simulation.lose(call, isDropped: simulation.random.chance(50)) }

    private func stopRedis() {
        redis.stop()
        for call in simulation.calls { if case .redis = call.target { simulation.lose(call, isDropped: true) } }
    }

    /// What it lacks is lost, unless Redis has it. Of what was saved before, all that is of a later moment of the same history is
    /// forgotten: a Redis of a history that was given up may have an epoch of the same number, and nobody can tell it.
    private func restorePostgres() {
        for connection in postgres.connections { connection.lose(isDropped: true) }
        let place = dumps.indices.randomElement(using: &simulation.random)!
        let dump = dumps[place]
        dumps.removeSubrange((place + 1)...)
        older = []
        let had = Set(accepted.keys.filter(postgres.isKept))
        postgres.restore(dump)
        // What servers have read of the other history.
        snapshots = []
        let shard = self.redis.hash(keys.shard)
        for user in users where self.redis.record(keys.users, user)?.control ?? 0 > Int(shard["control"] ?? "") ?? 0 {
            mayDiffer.insert(user)
        }
        let redis = SaleSimulation.redemptions(in: self.redis.saved, keys)
        for id in accepted.keys {
            accepted[id]!.mayBeInQuarantine = true
            if had.contains(id), !postgres.isKept(id), !redis.contains(id) { accepted[id]!.mayBeLost = true }
        }
        let epochs = [self.redis.string(keys.fence).flatMap { Int($0) }, restoredIn, postgres.cursor?.epoch.number]
        restoredIn = epochs.compactMap(\.self).max() ?? 0
    }

    /// - Parameter saved: `nil`: what it had.
    func startRedis(with saved: SimulatedRedis.Saved? = nil) {
        let saved = saved ?? redis.saved
        lost(to: saved)
        redis.start(with: saved)
    }
}
