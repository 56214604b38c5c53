/// Who tells where the primary is, Sentinels or the nodes of a cluster: what they are asked, and how their answers are read. No I/O.
/// `PrimaryWatch` asks them, and `PrimaryView` chooses among their answers.
enum PrimaryGuide: Hashable, Sendable {
    case sentinels(primary: String)
    /// The nodes of a cluster tell which of them has the slot.
    case cluster(HashSlot)

    struct Testimony: Hashable, Sendable {
        let primary: PrimaryLocation
        /// Everybody who can be asked, as far as the one that was asked knows; `nil`: those that the URL names.
        let guides: [RedisEndpoint.Node]?
        /// In a cluster: who says so, and who decides on failovers as far as that one knows, by their ids.
        var witness: String?
        var voters: Set<String> = []
    }

    var questions: [[String]] {
        switch self {
        // In the middle of a failover only the first tells of the new primary already.
        case .sentinels(let name): [["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], ["SENTINEL", "MASTER", name]]
        // The first has the addresses that clients are to use, the second the epochs.
        case .cluster: [["CLUSTER", "SLOTS"], ClusterMember.question]
        }
    }

    var peer: RedisConfiguration.Peer {
        switch self {
        case .sentinels: .sentinel
        case .cluster: .clusterNode
        }
    }

    /// For messages.
    var name: String {
        switch self {
        case .sentinels: "the Sentinels"
        case .cluster: "the cluster"
        }
    }

    /// - Parameters:
    ///   - replies: those to `questions`. Throws why they are no answer.
    ///   - asked: who has answered.
    func testimony(_ replies: [RESPValue], of asked: RedisEndpoint.Node) throws(RedisError) -> Testimony {
        for reply in replies { if case .error(let message) = reply { throw RedisError(.serverError, message) } }
        guard replies.count == 2 else { throw RedisError(.protocolViolation, "\(replies.count) answers to 2 questions") }
        switch self {
        case .sentinels(let name):
            guard let address = replies[0].array, address.count == 2, let host = address[0].string,
                let port = address[1].string.flatMap({ Int($0) }), let epoch = replies[1].dictionary["config-epoch"]?.number
            else { throw RedisError(.protocolViolation, "it does not tell where the primary '\(name)' is") }
            return Testimony(
                primary: PrimaryLocation(node: RedisEndpoint.Node(host: host, port: port), epoch: epoch),
                guides: nil
            )
        case .cluster(let slot):
            let ranges = try ClusterRange.all(in: replies[0], of: asked)
            guard let range = ranges.first(where: { $0.slots.contains(slot.number) }) else {
                throw RedisError(.notConnected, "no node of the cluster has slot \(slot): see `redis-cli --cluster check`")
            }
            let members = ClusterMember.all(in: replies[1])
            guard let epoch = members.first(where: { $0.id == range.nodeID })?.epoch else {
                throw RedisError(.protocolViolation, "it does not tell the epoch of node \(range.nodeID)")
            }
            return Testimony(
                primary: PrimaryLocation(node: range.primary, epoch: epoch),
                guides: ranges.map(\.primary),
                witness: members.first(where: \.isAsked)?.id,
                voters: Set(ranges.map(\.nodeID))
            )
        }
    }

    /// Whether no failover can have passed by all who answered. In a cluster the node that was seen last counts how many there are, since
    /// the cluster may be another one than before, and a node that has two addresses counts once.
    /// - Parameter named: how many the URL names.
    func isMajority(_ answers: [Testimony], of named: Int) -> Bool {
        switch self {
        case .sentinels: return answers.count * 2 > named
        case .cluster:
            guard let latest = answers.max(by: { $0.primary.epoch < $1.primary.epoch }) else { return false }
            return latest.voters.intersection(answers.compactMap(\.witness)).count * 2 > latest.voters.count
        }
    }
}

/// Slots that follow each other and are on one node: an entry of `CLUSTER SLOTS`.
private struct ClusterRange {
    let slots: ClosedRange<Int>
    let primary: RedisEndpoint.Node
    let nodeID: String

    static func all(in reply: RESPValue, of asked: RedisEndpoint.Node) throws(RedisError) -> [ClusterRange] {
        guard let entries = reply.array else { throw RedisError(.protocolViolation, "CLUSTER SLOTS answers no list") }
        var ranges: [ClusterRange] = []
        for entry in entries {
            guard let parts = entry.array, parts.count >= 3, let first = parts[0].integer, let last = parts[1].integer,
                first <= last, let place = ClusterPlace(parts[2])
            else { throw RedisError(.protocolViolation, "an entry of CLUSTER SLOTS cannot be read") }
            // A node without a host leaves it to the one who asks.
            let primary = RedisEndpoint.Node(host: place.host ?? asked.host, port: place.port)
            ranges.append(ClusterRange(slots: first...last, primary: primary, nodeID: place.id))
        }
        return ranges
    }
}
