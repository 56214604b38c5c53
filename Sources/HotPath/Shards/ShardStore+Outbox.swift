public import Domain
import LuaScripts
public import RedisClient

extension ShardStore {
    /// Reads entries after `id`, oldest first.
    /// - Parameter block: how long to wait for an entry where there is none; it keeps the connection from other commands, so
    ///   use a client of its own. `nil`: answer at once.
    public func readOutbox(after id: StreamID, count: Int, block: Duration? = nil) async throws(RedisError) -> [OutboxRead] {
        var command = ["XREAD", "COUNT", String(count)]
        var deadline: Duration?
        if let block {
            // 0 would wait for ever.
            command += ["BLOCK", String(max(1, block.milliseconds))]
            deadline = block + ShardStore.blockedReadMargin
        }
        let reply = try await send(command + ["STREAMS", keys.outbox, id.description], deadline: deadline)
        if reply.isNull { return [] }
        guard let stream = reply.array?.first?.array, stream.count == 2, let entries = stream[1].array else {
            throw RedisError.unexpected(reply, of: "XREAD")
        }
        return try ShardStore.outboxReads(entries, of: "XREAD")
    }

    /// Reads the entries of a reply.
    static func outboxReads(_ entries: [RESPValue], of command: String) throws(RedisError) -> [OutboxRead] {
        var reads: [OutboxRead] = []
        reads.reserveCapacity(entries.count)
        for entry in entries {
            guard let pair = entry.array, pair.count == 2, let id = pair[0].string.flatMap({ StreamID($0) }),
                let fields = pair[1].array
            else { throw RedisError.unexpected(entry, of: command) }
            reads.append(OutboxRead(id: id, fields: fields))
        }
        return reads
    }

    /// Settles entries that Postgres has, in `redemptions` or in quarantine: trims them from the outbox. `reads` begins with the outbox's
    /// first entry and leaves none out; malformed entries are trimmed too.
    ///
    /// It sends parts, so that Redis decides redemptions in between. Each part is settled whole or not at all, and never twice. So after
    /// any failure, read the outbox from its beginning again.
    public func settle(_ epoch: Epoch, _ reads: [OutboxRead]) async throws(RedisError) -> SettleCode {
        for start in stride(from: 0, to: reads.count, by: ShardStore.settleEntryLimit) {
            let part = reads[start..<min(start + ShardStore.settleEntryLimit, reads.count)]
            guard let first = part.first, let last = part.last else { break }
            let arguments = [String(epoch.number), first.id.description, last.id.successor.description]
            switch try await call(.settle, keys: [keys.outbox, keys.shard], arguments: arguments, as: SettleCode.self) {
            case .settled: continue
            case .notFirst: return .notFirst
            case .wrongEpoch: return .wrongEpoch
            }
        }
        return .settled
    }

    static func missingEntries(trimmed: Int?, outbox: [String: RESPValue]) -> Int? {
        guard let trimmed, let added = outbox["entries-added"]?.number, let length = outbox["length"]?.number else { return nil }
        return added - length - trimmed
    }

    /// How much later than the end of its wait a blocking read may be answered.
    static let blockedReadMargin: Duration = .seconds(1)

    /// Settles entries of which none is malformed.
    public func settle(_ epoch: Epoch, entries: [OutboxEntry]) async throws(RedisError) -> SettleCode {
        try await settle(epoch, entries.map(OutboxRead.entry))
    }

    /// The most entries of one call, which takes a fraction of a millisecond of Redis's time.
    static let settleEntryLimit = 1_000
}

extension StreamID {
    /// The next greater id.
    fileprivate var successor: StreamID {
        sequence == .max
            ? StreamID(milliseconds: milliseconds + 1, sequence: 0) : StreamID(milliseconds: milliseconds, sequence: sequence + 1)
    }
}
