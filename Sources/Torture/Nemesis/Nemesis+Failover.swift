internal import Domain
internal import HotPath
internal import LocalStack

extension Nemesis {
    /// How long Sentinel may take to make a replica of a primary that it replaced. Under load it was up to 0.9 s.
    private static let demotionMicroseconds: Int64 = 2_000_000

    /// How long the load goes on while the replica is down that will be promoted.
    private static let behind: Duration = .milliseconds(800)

    /// Makes the other node the primary. Returns when both servers use it.
    func beginFailover(_ record: FaultRecord) async throws -> Standing {
        let redis = stack.redis
        let old = try await redis.primary()
        let new = redis.other(than: old)
        guard old.pid != nil, new.pid != nil else { return Standing(record: record) { _ in } }
        var record = record
        var landed = monitor.landed
        if record.fault == .redisFailoverBehind {
            await new.kill()
            try await Task.sleep(for: Nemesis.behind)
            landed = monitor.landed
        }
        if record.fault == .redisSwitch {
            try await redis.order()
        } else {
            try await redis.set(impatient: true)
            await old.kill()
            if record.fault == .redisFailoverBehind { try await new.restart() }
        }
        let gone = Moment.now()
        let isPromoted = try await redis.until(new, is: .primary)
        // Redis answers again. The time until redemptions are decided counts from here.
        let answers = world.watch()
        try await redis.set(impatient: false)
        let limit = ContinuousClock.now + TortureSettings.openLimit
        while world.allDecided(servers: stack.servers.count) == nil, ContinuousClock.now < limit {
            try await Task.sleep(for: .milliseconds(5))
        }
        record.secondsToOpen = world.allDecided(servers: stack.servers.count)
            .map { Double($0.microseconds - answers.microseconds) / 1e6 }
        return Standing(record: record) { [mode] record in
            if old.pid == nil { try await old.restart() }
            let follows = try await redis.until(old, is: .followingReplica)
            record.loss = record.fault.loss(mode, landed: landed, until: gone)
            if record.fault == .redisSwitch {
                // A primary that was not killed decides for every server that still asks it, until it is a replica.
                let end = Moment(microseconds: gone.microseconds + Nemesis.demotionMicroseconds)
                record.loss = record.loss.map { Loss(from: $0.from, until: end) }
            }
            if isPromoted, follows {
                record.proof = "the primary on port \(old.port) became a replica of the one on port \(new.port)"
            }
        }
    }

    /// Stops the replica or the Sentinel, which must have no consequences.
    func beginBeside(_ record: FaultRecord) async throws -> Standing {
        let redis = stack.redis
        if record.fault == .sentinelStop {
            let sentinel = redis.group.sentinels[0]
            guard let pid = sentinel.pid else { return Standing(record: record) { _ in } }
            sentinel.suspend()
            let isStopped = await Nemesis.state(of: pid, is: "T")
            return Standing(record: record) { record in
                sentinel.resume()
                if isStopped { record.proof = "the Sentinel, pid \(pid), was in state T" }
            }
        }
        let replica = redis.other(than: try await redis.primary())
        guard let pid = replica.pid else { return Standing(record: record) { _ in } }
        if record.fault == .replicaStop {
            replica.suspend()
            let isStopped = await Nemesis.state(of: pid, is: "T")
            return Standing(record: record) { record in
                replica.resume()
                let follows = try await redis.until(replica, is: .followingReplica)
                if isStopped, follows { record.proof = "the replica, pid \(pid), was in state T" }
            }
        }
        await replica.kill()
        return Standing(record: record) { record in
            try await replica.restart()
            let follows = try await redis.until(replica, is: .followingReplica)
            if follows, let now = replica.pid, now != pid { record.proof = "the replica, pid \(pid) → \(now)" }
        }
    }
}
