/// A node of a cluster, as one of them knows it: a line of `CLUSTER NODES`.
public struct ClusterMember: Sendable, Hashable {
    public let id: String
    /// Where clients reach it. The host is empty where the node does not know its own address.
    public let node: RedisEndpoint.Node
    public let isPrimary: Bool
    /// The others hold it to be down.
    public let isDown: Bool
    /// Grows with each failover and each move of a slot to it.
    public let epoch: Int
    public let slots: [ClosedRange<Int>]
    /// Slots that are on their way to or from the node that tells; others are not told of.
    public let openSlots: [Int]

    public static let question = ["CLUSTER", "NODES"]

    /// Lines that cannot be read are left out, and so are nodes that are being met.
    public static func all(in reply: RESPValue) -> [ClusterMember] {
        (reply.string ?? "").split(whereSeparator: \.isNewline).compactMap(ClusterMember.init)
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
