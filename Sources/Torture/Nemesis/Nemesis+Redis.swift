internal import Domain
internal import HotPath
internal import LocalStack
internal import RedisClient

extension Nemesis {
    /// How long Redis is stopped: longer than the deadline of a command, which is a second.
    private static let stopAtLeast: Duration = .milliseconds(1_500)
    /// How long the load goes on between the copy of the append-only file and the moment when it is put back.
    private static let copyAge: Duration = .milliseconds(1_500)
    private static let truncatedBytes: UInt64 = 400
    private static let diskBytes = 20_000

    enum RedisBlow {
        case suspend, stop, harden, flush, flushScripts, fill, fillDisk
        /// `nil`: the append-only file stays as Redis left it.
        case kill(AppendOnlyFileChange?)
    }

    /// A change of the append-only file while Redis is down.
    enum AppendOnlyFileChange {
        case removed, older, truncated
    }

    func beginRedis(_ record: FaultRecord, _ blow: RedisBlow, _ chance: UInt64) async throws -> Standing {
        let redis = try await stack.redis.primary()
        guard let pid = redis.pid else { return Standing(record: record) { _ in } }
        let landed = monitor.landed
        switch blow {
        case .suspend:
            redis.suspend()
            let isStopped = await Nemesis.state(of: pid, is: "T")
            return Standing(record: record) { record in
                try await Task.sleep(for: Nemesis.stopAtLeast)
                redis.resume()
                if isStopped { record.proof = "redis-server, pid \(pid), was in state T" }
            }
        case .flush:
            let keys = try await command("DBSIZE").integer ?? 0
            _ = try await command("FLUSHALL")
            let until = Moment.now()
            return Standing(record: record) { [mode] record in
                record.loss = record.fault.loss(mode, landed: landed, until: until)
                if keys > 0 { record.proof = "FLUSHALL took \(keys) keys" }
            }
        case .flushScripts:
            let before = try await scripts()
            _ = try await command("SCRIPT", "FLUSH", "SYNC")
            return Standing(record: record) { record in
                if before > 0 { record.proof = "SCRIPT FLUSH took \(before) scripts" }
            }
        case .fill: return try await fill(record)
        case .fillDisk: return try await fillDisk(record, redis, pid)
        case .harden:
            for node in stack.redis.group.nodes { try await harden(node) }
            await redis.stop()
            return restart(record, redis, pid, loss: nil, text: "stopped, its user 'default' is off")
        case .stop:
            await redis.stop()
            return restart(record, redis, pid, loss: nil, text: "stopped")
        case .kill(.older):
            try await copyAppendOnlyFile(of: redis)
            try await Task.sleep(for: Nemesis.copyAge)
            // Decisions since the copy are in Postgres, or the fault may lose them.
            return try await replace(record, redis, pid, .older, landed: monitor.landed, chance)
        case .kill(let change): return try await replace(record, redis, pid, change, landed: landed, chance)
        }
    }

    /// Does what docs/OPERATIONS.md says, but keeps the passwords.
    private func harden(_ node: RedisServer) async throws {
        for command in RedisUser.allCases.map({ $0.command() }) + [ReplayRights.command, ["CONFIG", "REWRITE"]] {
            try await stack.redis.send(command, to: node)
        }
    }

    /// Kills Redis, and changes the file that it finds when it starts.
    private func replace(
        _ record: FaultRecord,
        _ redis: RedisServer,
        _ pid: Int32,
        _ change: AppendOnlyFileChange?,
        landed: Moment,
        _ chance: UInt64
    ) async throws -> Standing {
        await redis.kill()
        let loss = record.fault.loss(mode, landed: landed, until: .now())
        let before = redis.appendOnlyFileBytes
        switch change {
        case .removed:
            try await redis.removeAppendOnlyFile()
            return restart(record, redis, pid, loss: loss, text: "\(before) bytes of append-only file removed")
        case .older:
            try await redis.restoreAppendOnlyFile()
            return restart(
                record,
                redis,
                pid,
                loss: loss,
                text: "\(redis.appendOnlyFileBytes) older bytes in the place of \(before)"
            )
        case .truncated:
            let cut = try await redis.truncateAppendOnlyFile(by: Int(chance % Nemesis.truncatedBytes) + 1)
            return restart(record, redis, pid, loss: loss, text: "\(cut) of \(before) bytes of append-only file cut off")
        case nil: return restart(record, redis, pid, loss: loss, text: "killed")
        }
    }

    private func restart(
        _ record: FaultRecord,
        _ redis: RedisServer,
        _ pid: Int32,
        loss: Loss?,
        text: String
    ) -> Standing {
        Standing(record: record) { record in
            try await redis.restart()
            record.loss = loss
            if let now = redis.pid, now != pid { record.proof = "redis-server, pid \(pid) → \(now), \(text)" }
        }
    }

    /// Allows Redis less memory than it uses.
    private func fill(_ record: FaultRecord) async throws -> Standing {
        let before = try await refusedForMemory()
        _ = try await command("CONFIG", "SET", "maxmemory", "1048576")
        return Standing(record: record) { record in
            let limit = ContinuousClock.now + Nemesis.proofLimit
            var refused = 0
            repeat {
                refused = try await refusedForMemory() - before
                if refused > 0 { break }
                try await Task.sleep(for: .milliseconds(20))
            } while ContinuousClock.now < limit
            _ = try await command("CONFIG", "SET", "maxmemory", "0")
            if refused > 0 { record.proof = "\(refused) commands refused with OOM" }
        }
    }

    /// Leaves room for some dozens of redemptions. A Redis that must write before it answers then ends itself. One that may write
    /// later refuses all writes until there is room.
    private func fillDisk(_ record: FaultRecord, _ redis: RedisServer, _ pid: Int32) async throws -> Standing {
        let room = redis.growingAppendOnlyFileBytes + Nemesis.diskBytes
        try await redis.limitFiles(toBytes: room)
        return Standing(record: record) { [stack] record in
            let limit = ContinuousClock.now + Nemesis.proofLimit
            var (hasEnded, hasFailed) = (false, false)
            while !hasEnded, !hasFailed, ContinuousClock.now < limit {
                try await Task.sleep(for: .milliseconds(20))
                let persistence = try? await stack.direct.client.send(["INFO", "persistence"]).info
                hasFailed = persistence?["aof_last_write_status"] == "err"
                hasEnded = [nil, "Z"].contains(ProcessStat.state(of: pid))
            }
            do {
                if !hasEnded { try await redis.limitFiles(toBytes: nil) }
            } catch {
                // Redis has ended meanwhile.
                hasEnded = true
            }
            if hasEnded { try await redis.restart() } else { try await rewriteAppendOnlyFile() }
            let file = "the append-only file could not grow beyond \(room) bytes"
            if hasEnded { record.proof = "redis-server, pid \(pid), ended: \(file)" }
            if hasFailed { record.proof = file }
        }
    }

    /// Redis 7.0 goes on writing behind an entry that it could write only in part, and then cannot load the file. So operators
    /// are told to have it rewritten (docs/OPERATIONS.md).
    private func rewriteAppendOnlyFile() async throws {
        try await untilNoRewrite()
        _ = try await command("BGREWRITEAOF")
        try await untilNoRewrite()
    }

    private func untilNoRewrite() async throws {
        while try await information("persistence", "aof_rewrite_in_progress") != "0" {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Copies the file while no rewrite runs, because a rewrite would remove the files that are being copied.
    private func copyAppendOnlyFile(of redis: RedisServer) async throws {
        _ = try await command("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
        try await untilNoRewrite()
        try await redis.copyAppendOnlyFile()
        _ = try await command("CONFIG", "SET", "auto-aof-rewrite-percentage", "100")
    }

    private func refusedForMemory() async throws -> Int {
        let text = try await information("errorstats", "errorstat_OOM") ?? "count=0"
        return text.split(separator: "=").last.flatMap { Int($0) } ?? 0
    }

    private func scripts() async throws -> Int {
        try await information("memory", "number_of_cached_scripts").flatMap { Int($0) } ?? 0
    }

    private func information(_ section: String, _ name: String) async throws -> String? {
        try await command("INFO", section).info[name]
    }

    private func command(_ words: String...) async throws -> RESPValue {
        try await stack.direct.patiently { try await $0.client.send(words) }
    }
}
