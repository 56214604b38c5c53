public import Domain

public enum SettleReply: Sendable, Hashable {
    /// - Parameter drifted: users that had less held than the entries say. It should be 0; `redeem reconcile` finds them.
    case settled(drifted: Int)
    /// The outbox does not begin with the first entry: somebody settled it before.
    case notFirst
    /// The shard is closed or of another epoch.
    case wrongEpoch
}

extension ShardStore {
    /// Reads entries after `id`, oldest first.
    /// - Parameter block: how long to wait for an entry where there is none; it keeps the connection from other commands, so
    ///   use a client of its own. `nil`: answer at once.
    public func readOutbox(after id: StreamID, count: Int, block: Duration? = nil) async throws(RedisError) -> [OutboxRead] {
        var command = ["XREAD", "COUNT", String(count)]
        var deadline: Duration?
        if let block {
            // 0 would mean for ever.
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

    /// The entries of a reply.
    static func outboxReads(_ entries: [RESPValue], of command: String) throws(RedisError) -> [OutboxRead] {
        var reads: [OutboxRead] = []
        reads.reserveCapacity(entries.count)
        for entry in entries {
            guard let pair = entry.array, pair.count == 2, let id = pair[0].string.flatMap({ StreamID($0) }),
                let fields = pair[1].array
            else { throw RedisError.unexpected(entry, of: command) }
            reads.append(OutboxRead(id: id, fields: fields.map { $0.string ?? "" }))
        }
        return reads
    }

    /// Releases the holds of what Postgres has, and trims it. Give all that was read and landed or went to quarantine, in
    /// order and from the outbox's first entry on: malformed ones are trimmed too.
    ///
    /// Sent in parts, so that Redis decides redemptions in between. Each part is settled whole or not at all, and one that was
    /// settled is never settled again, so after any failure the answer is to read the outbox from its beginning.
    public func settle(_ epoch: Epoch, _ reads: [OutboxRead]) async throws(RedisError) -> SettleReply {
        var drifted = 0
        for part in ShardStore.parts(of: reads) {
            let reply = try await send(
                Script.settle.call(
                    keys: [keys.outbox, keys.shard] + part.users.map(keys.user),
                    arguments: [String(epoch.number), part.first.description, part.last.successor.description]
                )
            )
            let values = reply.array ?? []
            let code: SettleCode = try ShardStore.code(in: values.first, of: .settle)
            switch code {
            case .settled:
                guard values.count == 2, let count = values[1].integer else {
                    throw RedisError.unexpected(reply, of: Script.settle.rawValue)
                }
                drifted += count
            case .notFirst: return .notFirst
            case .wrongEpoch: return .wrongEpoch
            }
        }
        return .settled(drifted: drifted)
    }

    static func missingEntries(trimmed: Int?, outbox: [String: RESPValue]) -> Int? {
        guard let trimmed, let added = outbox["entries-added"]?.number, let length = outbox["length"]?.number else { return nil }
        return added - length - trimmed
    }

    /// How much later than its own end a blocking read may be answered.
    static let blockedReadMargin: Duration = .seconds(1)

    /// The same, for entries among which none was malformed.
    public func settle(_ epoch: Epoch, entries: [OutboxEntry]) async throws(RedisError) -> SettleReply {
        try await settle(epoch, entries.map(OutboxRead.entry))
    }

    /// What one call of `settle.lua` settles.
    struct SettlePart {
        var first: StreamID
        var last: StreamID
        var entries = 0
        var users: Set<UserID> = []
    }

    /// Entries and users of one call, at most: about half a millisecond of Redis's time.
    static let settleEntryLimit = 128
    static let settleUserLimit = 256

    static func parts(of reads: [OutboxRead]) -> [SettlePart] {
        var parts: [SettlePart] = []
        for read in reads {
            var users: [UserID] = []
            switch read {
            case .entry(let entry): users = entry.redemptions.map(\.user)
            case .malformed: break
            }
            if let part = parts.last, part.entries < settleEntryLimit, part.users.count + users.count <= settleUserLimit {
                parts[parts.count - 1].last = read.id
            } else {
                parts.append(SettlePart(first: read.id, last: read.id))
            }
            parts[parts.count - 1].entries += 1
            parts[parts.count - 1].users.formUnion(users)
        }
        return parts
    }
}

extension StreamID {
    /// The least id that is greater.
    fileprivate var successor: StreamID {
        sequence == .max
            ? StreamID(milliseconds: milliseconds + 1, sequence: 0) : StreamID(milliseconds: milliseconds, sequence: sequence + 1)
    }
}
