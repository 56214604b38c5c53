/// Where a node is to be reached by clients: a part of an entry of `CLUSTER SLOTS`, `[host, port, id, …]`.
struct ClusterPlace {
    /// `nil`: the node does not know its own address, or nobody has set the name that it is to announce.
    let host: String?
    let port: Int
    let id: String

    init?(_ reply: RESPValue) {
        guard let fields = reply.array, fields.count >= 3, let port = fields[1].integer, let id = fields[2].string else {
            return nil
        }
        host = fields[0].string.flatMap { ["", "?"].contains($0) ? nil : $0 }
        self.port = port
        self.id = id
    }
}
