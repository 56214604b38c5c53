public import Domain

/// What the owner of a shard has read from its outbox behind the cursor.
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
    /// Where the owner thinks that Postgres is.
    public let cursor: Cursor
    /// In the order of the stream.
    public let entries: [OutboxEntry]
    public let malformed: [Malformed]
    /// Where Postgres is to be afterwards: the last id of all that was read.
    public let last: StreamID

    public init(shard: Shard, cursor: Cursor, entries: [OutboxEntry], malformed: [Malformed] = [], last: StreamID) {
        self.shard = shard
        self.cursor = cursor
        self.entries = entries
        self.malformed = malformed
        self.last = last
    }

    /// Every id is behind the cursor and not behind `last`, and ids grow.
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
    /// Why it cannot be landed.
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

public struct LandingResult: Hashable, Sendable {
    /// Redemptions in Postgres now.
    public let landed: Int
    /// Redemptions, and entries that did not parse, in `quarantine` now: each needs an operator.
    public let quarantined: Int
    /// Where Postgres is now.
    public let cursor: Cursor
}

public enum LandingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Somebody else has landed, or begun an epoch, or an earlier attempt took effect after all. Nothing was written.
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

/// One row to be, with the entry that it came in.
struct LandingRow {
    let redemption: Redemption
    let entry: StreamID
}
