internal import RedisClient

/// The node of a cluster on which a shard was opened, and the history that its data belonged to then.
public struct ShardHome: Hashable, Sendable {
    /// The node's id, which a restart leaves as it is.
    public let node: String
    /// The node's configuration epoch, which a restart leaves as it is too. It grows where a slot comes to the node.
    public let epoch: Int
    /// The history of writes that the data belongs to (`master_replid` of `INFO replication`).
    public let history: String

    public init(node: String, epoch: Int, history: String) {
        self.node = node
        self.epoch = epoch
        self.history = history
    }
}

/// A node of a cluster, and the histories of writes that its data goes on with.
public struct ShardHost: Hashable, Sendable {
    public let id: String
    public let epoch: Int
    /// `master_replid`, and `master_replid2` where it was promoted: that of the primary before it.
    public let histories: [String]

    public init(id: String, epoch: Int, histories: [String]) {
        self.id = id
        self.epoch = epoch
        self.histories = histories
    }

    /// True if its data is that of the home: it is the same node, with its own file, or a replica that was promoted. Otherwise the slot has
    /// moved here, or went away and came back, which the epoch tells. A part may be missing then: a node that dies in the middle of a move
    /// leaves a replica with some of the keys.
    public func goesOn(with home: ShardHome) -> Bool {
        id == home.node ? epoch == home.epoch : histories.contains(home.history)
    }

    /// A shard that is opened now is at home here.
    var home: ShardHome? { histories.first.map { ShardHome(node: id, epoch: epoch, history: $0) } }

    static let questions = [ClusterMember.question, ["INFO", "replication"]]

    init(_ replies: ArraySlice<RESPValue>) throws(RedisError) {
        let info = replies.last?.info ?? [:]
        let own = replies.first.flatMap(ClusterMember.asked)
        guard replies.count == 2, let own, let first = info["master_replid"] else {
            throw RedisError.unexpected(.array(Array(replies)), of: "CLUSTER NODES")
        }
        // Zeros where there was no primary before.
        let second = info["master_replid2"].flatMap { $0.contains { $0 != "0" } ? $0 : nil }
        self.init(id: own.id, epoch: own.epoch, histories: [first] + [second].compactMap { $0 })
    }
}
