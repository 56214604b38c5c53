/// A node of a cluster, as one of them knows it: a line of `CLUSTER NODES`.
public struct ClusterMember: Sendable, Hashable {
    public let id: String
    /// Where clients reach it. The host is empty where the node does not know its own address.
    public private(set) var node: RedisEndpoint.Node
    public let isPrimary: Bool
    /// It is the node that was asked.
    let isAsked: Bool
    /// The others hold it to be down.
    public let isDown: Bool
    /// Grows with each failover and each move of a slot to it.
    public let epoch: Int
    public let slots: [ClosedRange<Int>]
    /// Slots that are on their way to or from the node that was asked. Those of other nodes are not told.
    public let openSlots: [Int]

    public var slotCount: Int { slots.reduce(0) { $0 + $1.count } }

    public static let question = ["CLUSTER", "NODES"]

    /// Lines that cannot be read are left out, and so are nodes that are being met.
    public static func all(in reply: RESPValue) -> [ClusterMember] {
        (reply.string ?? "").split(whereSeparator: \.isNewline).compactMap(ClusterMember.init)
    }

    /// The node that was asked.
    public static func asked(in reply: RESPValue) -> ClusterMember? { all(in: reply).first(where: \.isAsked) }

    /// All nodes, each where clients are to reach it, which may be under another name.
    /// - Parameters:
    ///   - slots: the reply to `CLUSTER SLOTS`, which has no nodes without slots.
    ///   - host: of a node that does not know its own address.
    public static func all(in reply: RESPValue, slots: RESPValue, host: String) -> [ClusterMember] {
        var announced: [String: RedisEndpoint.Node] = [:]
        for entry in slots.array ?? [] {
            for place in entry.array?.dropFirst(2).compactMap(ClusterPlace.init) ?? [] {
                if let host = place.host { announced[place.id] = RedisEndpoint.Node(host: host, port: place.port) }
            }
        }
        return all(in: reply).map { member in
            var member = member
            let own = member.node
            member.node = announced[member.id] ?? RedisEndpoint.Node(host: own.host.isEmpty ? host : own.host, port: own.port)
            return member
        }
    }

    /// `id host:port@bus[,name] flags primary ping pong epoch link slot…`
    private init?(_ line: Substring) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count >= 8, let epoch = Int(fields[6]) else { return nil }
        let address = fields[1].prefix { $0 != "@" && $0 != "," }
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else { return nil }
        let flags = Set(fields[2].split(separator: ","))
        guard flags.isDisjoint(with: ["handshake", "noaddr"]) else { return nil }
        id = String(fields[0])
        node = RedisEndpoint.Node(host: String(address[..<colon]), port: port)
        isPrimary = flags.contains("master")
        isAsked = flags.contains("myself")
        isDown = flags.contains("fail")
        self.epoch = epoch
        slots = fields[8...].compactMap { field in
            let ends = field.split(separator: "-").compactMap { Int($0) }
            guard !field.hasPrefix("["), let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
        openSlots = fields[8...].filter { $0.hasPrefix("[") }.compactMap { Int($0.dropFirst().prefix { $0.isNumber }) }
    }
}
