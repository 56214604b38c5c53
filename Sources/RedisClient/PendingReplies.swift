import NIOCore

/// The commands of one connection whose replies have not come, oldest first. Redis answers in order, so the first entry is
/// the one that the next reply belongs to. An entry past its deadline stays as a tombstone, without a completion, until
/// its late reply has come: otherwise that reply would answer the next command.
struct PendingReplies<Completion> {
    private struct Entry {
        let deadline: NIODeadline
        var completion: Completion?
    }

    private var entries = CircularBuffer<Entry>()
    /// Entries at the end whose bytes were not handed to the channel yet.
    private(set) var unwritten = 0
    /// Entries that somebody still waits for.
    private(set) var live = 0

    var count: Int { entries.count }

    mutating func append(_ completion: Completion, deadline: NIODeadline) {
        entries.append(Entry(deadline: deadline, completion: completion))
        unwritten += 1
        live += 1
    }

    mutating func markWritten() {
        unwritten = 0
    }

    enum Reply {
        case completes(Completion)
        case late
        case unexpected
    }

    /// Takes the entry that the next reply belongs to.
    mutating func popFirst() -> Reply {
        guard entries.count > unwritten, let entry = entries.popFirst() else { return .unexpected }
        guard let completion = entry.completion else { return .late }
        live -= 1
        return .completes(completion)
    }

    /// Turns entries past their deadline into tombstones. `next` is the first deadline among the entries that somebody still waits for.
    mutating func expire(now: NIODeadline) -> (expired: [Completion], next: NIODeadline?) {
        var expired: [Completion] = []
        var next: NIODeadline?
        for index in entries.indices {
            let entry = entries[index]
            guard let completion = entry.completion else { continue }
            if entry.deadline <= now {
                expired.append(completion)
                entries[index].completion = nil
            } else {
                next = min(next ?? entry.deadline, entry.deadline)
            }
        }
        live -= expired.count
        return (expired, next)
    }

    /// The deadline of the oldest entry, where that is a tombstone.
    var oldestTombstone: NIODeadline? {
        guard let first = entries.first, first.completion == nil else { return nil }
        return first.deadline
    }

    /// Removes all entries, and returns the completions of those that somebody waits for.
    mutating func removeAll() -> (written: [Completion], unwritten: [Completion]) {
        let boundary = entries.count - unwritten
        let written = entries.prefix(boundary).compactMap(\.completion)
        let unwritten = entries.dropFirst(boundary).compactMap(\.completion)
        self = PendingReplies()
        return (written, unwritten)
    }
}
