internal import Domain
internal import Foundation
internal import LocalStack
internal import Synchronization

/// Makes faults and undoes them. One task uses it.
struct Nemesis: Sendable {
    let stack: TortureStack
    let world: TortureWorld
    let monitor: TortureMonitor
    let mode: Durability

    /// A fault that was made and is not undone yet.
    struct Standing {
        var record: FaultRecord
        /// `true`: the fault holds or drops bytes on a link, so it shows nothing while the program at the link's end is down.
        var needsTraffic = false
        /// Undoes the fault, and fills in its proof.
        let heal: (inout FaultRecord) async throws -> Void
    }

    /// How often connections are reset while links are bad.
    static let resetInterval: Duration = .milliseconds(40)
    /// How long a fault may take to show.
    static let proofLimit: Duration = .seconds(5)
    /// How long another worker may take to own the shard.
    static let takeoverLimit: Duration = .seconds(20)

    /// Makes the faults of a step at once, waits, undoes them, and waits until both servers decide redemptions again.
    func perform(_ step: FaultSchedule.Step) async throws -> [FaultRecord] {
        try? await Task.sleep(for: step.calm)
        var standing: [Standing] = []
        for fault in step.faults { standing.append(try await begin(fault, step)) }
        try? await Task.sleep(for: step.hold)
        var records: [FaultRecord] = []
        // The stores come back first, because a link shows that it is bad only with programs at both ends. Services that start
        // come last, because they wait for the stores.
        let order = (0...2).flatMap { rank in standing.filter { $0.record.fault.healingRank == rank } }
        for var fault in order {
            try await fault.heal(&fault.record)
            fault.record.healed = .now()
            // A fault that showed nothing because the other one was in its way is not counted.
            guard fault.record.proof != nil || !fault.needsTraffic || order.count == 1 else { continue }
            records.append(fault.record)
        }
        let healed = world.watch()
        let limit = ContinuousClock.now + TortureSettings.openLimit
        while world.allDecided(servers: stack.servers.count) == nil, ContinuousClock.now < limit {
            try await Task.sleep(for: .milliseconds(5))
        }
        let opened = world.allDecided(servers: stack.servers.count)
        for index in records.indices {
            // A failover has measured this by itself, before the other node was mended.
            records[index].secondsToOpen = opened.map {
                records[index].secondsToOpen ?? Double($0.microseconds - healed.microseconds) / 1e6
            }
            world.add(records[index])
        }
        return records
    }

    private func begin(_ fault: Fault, _ step: FaultSchedule.Step) async throws -> Standing {
        let record = FaultRecord(fault, began: .now())
        let server = step.server
        switch fault {
        case .serverKill: return try await beginServer(record, stack.servers[server], server, .kill)
        case .serverStop: return try await beginServer(record, stack.servers[server], server, .suspend)
        case .serverTerm: return try await beginServer(record, stack.servers[server], server, .stop)
        case .syncKill: return try await beginSync(record, owner, .kill)
        case .syncStop: return try await beginSync(record, owner, .suspend)
        case .syncTerm: return try await beginSync(record, owner, .stop)
        case .redisKill: return try await beginRedis(record, .kill(nil), step.chance)
        case .redisStop: return try await beginRedis(record, .suspend, step.chance)
        case .redisRestart: return try await beginRedis(record, .stop, step.chance)
        case .redisHarden: return try await beginRedis(record, .harden, step.chance)
        case .flushAll: return try await beginRedis(record, .flush, step.chance)
        case .scriptFlush: return try await beginRedis(record, .flushScripts, step.chance)
        case .aofRemoved: return try await beginRedis(record, .kill(.removed), step.chance)
        case .aofOlder: return try await beginRedis(record, .kill(.older), step.chance)
        case .aofTruncated: return try await beginRedis(record, .kill(.truncated), step.chance)
        case .redisFull: return try await beginRedis(record, .fill, step.chance)
        case .redisDiskFull: return try await beginRedis(record, .fillDisk, step.chance)
        case .redisFailover, .redisFailoverBehind, .redisSwitch: return try await beginFailover(record)
        case .replicaKill, .replicaStop, .sentinelStop: return try await beginBeside(record)
        case .postgresKill: return try await beginPostgres(record, .kill)
        case .postgresStop: return try await beginPostgres(record, .suspend)
        case .postgresRestart: return try await beginPostgres(record, .stop)
        case .postgresOlder: return try await beginOlderPostgres(record)
        case .clientReset: return await link(record, stack.links.clients, .none, resetting: true) { $0.reset }
        case .clientBytewise: return await link(record, stack.links.clients, .bytewise) { $0.pieces }
        case .clientLostReplies: return await link(record, stack.links.clients, .cut(.replies, after: cut(step))) { $0.dropped }
        case .serverRedisReset:
            return await link(record, stack.links.serverRedis[server].nodes, .none, resetting: true) { $0.reset }
        case .serverRedisHalfOpen: return await link(record, stack.links.serverRedis[server].nodes, stall(step)) { $0.stalled }
        case .serverRedisLatency: return await link(record, stack.links.serverRedis[server].nodes, latency(step)) { $0.delayed }
        case .serverRedisBytewise: return await link(record, stack.links.serverRedis[server].nodes, .bytewise) { $0.pieces }
        case .serverRedisLostReplies:
            return await link(record, stack.links.serverRedis[server].nodes, .cut(.replies, after: cut(step))) { $0.dropped }
        case .serverPostgresReset:
            return await link(record, [stack.links.serverPostgres[server]], .none, resetting: true) { $0.reset }
        case .serverPostgresLatency: return await link(record, [stack.links.serverPostgres[server]], latency(step)) { $0.delayed }
        case .syncRedisReset: return await link(record, stack.links.syncRedis[owner].nodes, .none, resetting: true) { $0.reset }
        case .syncRedisHalfOpen: return await link(record, stack.links.syncRedis[owner].nodes, stall(step)) { $0.stalled }
        case .syncRedisLostReplies:
            return await link(record, stack.links.syncRedis[owner].nodes, .cut(.replies, after: cut(step))) { $0.dropped }
        case .syncPostgresReset: return await link(record, [stack.links.syncPostgres[owner]], .none, resetting: true) { $0.reset }
        case .syncPostgresHalfOpen: return await link(record, [stack.links.syncPostgres[owner]], stall(step)) { $0.stalled }
        case .syncPostgresBytewise: return await link(record, [stack.links.syncPostgres[owner]], .bytewise) { $0.pieces }
        case .syncPostgresLostReplies:
            return await link(record, [stack.links.syncPostgres[owner]], .cut(.replies, after: cut(step))) { $0.dropped }
        case .operatorLostReplies:
            return await link(record, [stack.links.operators], .cut(.replies, after: cut(step))) { $0.dropped }
        }
    }

    /// The number of the worker that owns the shard.
    var owner: Int { stack.workers.firstIndex { $0.name == monitor.owner } ?? 0 }

    // MARK: What is left to chance

    /// Cuts at the first byte, or somewhere in the first replies.
    private func cut(_ step: FaultSchedule.Step) -> Int { [0, 0, 40, 300, 2_000][Int(step.chance % 5)] }

    private func stall(_ step: FaultSchedule.Step) -> LinkFault {
        let directions: [Set<LinkFault.Direction>] = [[.requests], [.replies], [.requests, .replies]]
        return .stalled(directions[Int(step.chance % 3)])
    }

    private func latency(_ step: FaultSchedule.Step) -> LinkFault { .delayed(.milliseconds([5, 50, 300][Int(step.chance % 3)])) }

    // MARK: Links

    private func link(
        _ record: FaultRecord,
        _ proxies: [FaultProxy],
        _ fault: LinkFault,
        resetting: Bool = false,
        _ count: @escaping (ProxyCounts) -> Int
    ) async -> Standing {
        let before = proxies.reduce(0) { $0 + count($1.counts) }
        for proxy in proxies { await proxy.set(fault) }
        let resets = Task {
            while resetting, !Task.isCancelled {
                for proxy in proxies { await proxy.resetConnections() }
                try await Task.sleep(for: Nemesis.resetInterval)
            }
        }
        return Standing(record: record, needsTraffic: true) { record in
            let limit = ContinuousClock.now + Nemesis.proofLimit
            var change = 0
            repeat {
                change = proxies.reduce(0) { $0 + count($1.counts) } - before
                if change > 0 { break }
                try await Task.sleep(for: .milliseconds(10))
            } while ContinuousClock.now < limit
            resets.cancel()
            for proxy in proxies { await proxy.set(.none) }
            guard change > 0 else { return }
            record.proof = resetting ? "\(change) connections reset" : "\(change) \(Nemesis.unit(fault)) by the proxy"
        }
    }

    private static func unit(_ fault: LinkFault) -> String {
        switch fault {
        case .none, .refused: "connections reset"
        case .stalled: "bytes held back"
        case .delayed: "pieces delayed"
        case .bytewise: "bytes written one by one"
        case .cut: "bytes of replies dropped"
        }
    }
}

extension Fault {
    /// The fault with the lowest rank is undone first.
    fileprivate var healingRank: Int {
        switch part {
        // The rebuild needs a worker and a Redis.
        case .postgres where self == .postgresOlder: 2
        case .redis, .postgres: 0
        case .clients, .operators: 1
        case .server, .sync: [.serverKill, .serverTerm, .syncKill, .syncTerm].contains(self) ? 2 : 1
        }
    }
}
