internal import RedisClient

/// Where a shard was opened in a cluster.
public struct ShardHome: Hashable, Sendable {
    /// The node's id, which a restart leaves as it is (`CLUSTER MYID`).
    public let node: String
    /// Which history of writes the data belongs to (`master_replid` of `INFO replication`).
    public let history: String

    public init(node: String, history: String) {
        self.node = node
        self.history = history
    }
}

/// A node of a cluster, and the histories of writes that its data goes on with.
public struct ShardHost: Hashable, Sendable {
    public let id: String
    /// `master_replid`, and `master_replid2` where it was promoted: that of the primary before it.
    public let histories: [String]

    public init(id: String, histories: [String]) {
        self.id = id
        self.histories = histories
    }

    /// Whether its data is that of the home: it is the same node, with its own file, or a replica that was promoted. Otherwise the slot has
    /// moved here. A part may be missing then: a node that dies in the middle of a move leaves a replica with some of the keys.
    public func goesOn(with home: ShardHome) -> Bool { id == home.node || histories.contains(home.history) }

    /// A shard that is opened now is at home here.
    var home: ShardHome? { histories.first.map { ShardHome(node: id, history: $0) } }

    static let questions = [["CLUSTER", "MYID"], ["INFO", "replication"]]

    init(_ replies: ArraySlice<RESPValue>) throws(RedisError) {
        let info = replies.last?.info ?? [:]
        guard replies.count == 2, let id = replies.first?.string, let first = info["master_replid"] else {
            throw RedisError.unexpected(.array(Array(replies)), of: "CLUSTER MYID")
        }
        // Zeros where there was no primary before.
        let second = info["master_replid2"].flatMap { $0.contains { $0 != "0" } ? $0 : nil }
        self.init(id: id, histories: [first] + [second].compactMap { $0 })
    }
}
