/// One part of the key space, with one outbox, one cursor and one owner.
public struct Shard: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let index: Int

    public init(index: Int) {
        precondition(index >= 0)
        self.index = index
    }

    /// The Redis hash tag, braces included: `{s0}`.
    public var tag: String { "{s\(index)}" }
    public var description: String { "s\(index)" }

    public static func < (left: Shard, right: Shard) -> Bool { left.index < right.index }
}

/// Says which shard a user's keys are in. There is one shard today; keys are named as for several.
public struct ShardMap: Sendable {
    public let shards: [Shard]

    public init(count: Int = 1) {
        precondition(count >= 1)
        shards = (0..<count).map(Shard.init(index:))
    }

    /// A user always maps to the same shard: the random bits of the id, modulo the count.
    public func shard(of user: UserID) -> Shard {
        shards.count == 1 ? shards[0] : shards[Int(user.uuid.low % UInt64(shards.count))]
    }
}

/// Grows by one each time a shard is rebuilt. Data of an older epoch is not valid.
public struct Epoch: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let number: Int

    public init(_ number: Int) { self.number = number }

    public var next: Epoch { Epoch(number + 1) }
    public var description: String { String(number) }

    public static func < (left: Epoch, right: Epoch) -> Bool { left.number < right.number }
}

/// The id of an entry in a Redis stream.
public struct StreamID: Hashable, Sendable, Comparable, CustomStringConvertible, LosslessStringConvertible {
    public let milliseconds: UInt64
    public let sequence: UInt64

    /// The id that is before that of every entry.
    public static let zero = StreamID(milliseconds: 0, sequence: 0)

    public init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// Parses Redis's form, `1700000000000-0`.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = UInt64(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    public var description: String { "\(milliseconds)-\(sequence)" }
    public var timestamp: Timestamp { Timestamp(milliseconds: Int64(clamping: milliseconds)) }

    public static func < (left: StreamID, right: StreamID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }
}

/// The last entry of a shard's outbox that Postgres has. It is stored in the transaction that stores the rows up to it.
public struct Cursor: Hashable, Sendable {
    public let epoch: Epoch
    public let lastID: StreamID

    public init(epoch: Epoch, lastID: StreamID) {
        self.epoch = epoch
        self.lastID = lastID
    }
}
