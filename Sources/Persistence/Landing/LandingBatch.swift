public import Domain

/// The entries that a shard's owner has read from the outbox behind the cursor.
public struct LandingBatch: Hashable, Sendable {
    /// An outbox entry that does not parse.
    public struct Malformed: Hashable, Sendable {
        public let id: StreamID
        public let fields: [String]
        public let reason: String

        public init(id: StreamID, fields: [String], reason: String) {
            self.id = id
            self.fields = fields
            self.reason = reason
        }
    }

    public let shard: Shard
    /// The cursor that Postgres has, as the owner knows it.
    public let cursor: Cursor
    /// In the order of the stream.
    public let entries: [OutboxEntry]
    public let malformed: [Malformed]
    /// The last id that was read, which the cursor has afterwards.
    public let last: StreamID

    public init(shard: Shard, cursor: Cursor, entries: [OutboxEntry], malformed: [Malformed] = [], last: StreamID) {
        self.shard = shard
        self.cursor = cursor
        self.entries = entries
        self.malformed = malformed
        self.last = last
    }

    /// True if all ids are behind the cursor and not behind `last`, and those of entries grow.
    var isInOrder: Bool {
        var previous = cursor.lastID
        for entry in entries {
            guard entry.id > previous else { return false }
            previous = entry.id
        }
        return previous <= last && malformed.allSatisfy { $0.id > cursor.lastID && $0.id <= last }
    }
}

/// Entries of a shard's outbox that Postgres may lack and that cannot be landed.
public struct UnlandedEntries: Hashable, Sendable {
    public let shard: Shard
    /// The epoch that `malformed` are kept under: they do not say theirs.
    public let epoch: Epoch
    public let entries: [OutboxEntry]
    public let malformed: [LandingBatch.Malformed]
    /// The reason why they cannot be landed.
    public let reason: String

    public init(
        shard: Shard,
        epoch: Epoch,
        entries: [OutboxEntry],
        malformed: [LandingBatch.Malformed] = [],
        reason: String
    ) {
        self.shard = shard
        self.epoch = epoch
        self.entries = entries
        self.malformed = malformed
        self.reason = reason
    }
}

/// The result of landing a batch.
public struct LandingResult: Hashable, Sendable {
    /// The number of redemptions that landed.
    public let landed: Int
    /// The number of redemptions, and of entries that did not parse, that went to quarantine: each needs an operator.
    public let quarantined: Int
    /// The cursor that Postgres has now.
    public let cursor: Cursor
}

public enum LandingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another owner has landed something or begun an epoch, or an earlier attempt took effect after all. Nothing was written.
    case cursorMoved(actual: Cursor?)
    /// The batch holds ids at or below its cursor, beyond its last id, or not in order. Nothing was written.
    case outOfOrder

    public var description: String {
        switch self {
        case .cursorMoved(let actual?): "the cursor is at \(actual.lastID) of epoch \(actual.epoch), not where it was thought"
        case .cursorMoved(nil): "the shard has no cursor"
        case .outOfOrder: "the batch is not a part of the stream behind its cursor, in order"
        }
    }
}

/// A row to be written, with the outbox entry that it came in.
struct LandingRow {
    let redemption: Redemption
    let entry: StreamID
}
