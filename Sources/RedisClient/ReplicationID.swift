/// Names one history of writes: that of one primary, from the moment at which it became one. Redis draws another id with each
/// start and each promotion (`master_replid` of `INFO replication`, "Redis replication", "Replication ID explained"), so a
/// replica that took over never has the id of the primary before it, nor has a primary that was a replica meanwhile.
///
/// Where Sentinels tell which Redis is the primary, the epoch of the failover that made it one is a part of the name. They may go
/// back to a primary that never heard of being replaced: it kept its id, and lacks what the one in between decided.
///
/// A primary also gets another id when its first replica comes, and when its last one has been away for an hour.
public struct ReplicationID: Hashable, Sendable, CustomStringConvertible {
    /// 40 hexadecimal digits, and, behind a hyphen, the epoch.
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// What a Redis says it is.
enum ServerRole: Hashable {
    case primary(ReplicationID)
    case replica

    /// - Parameter reply: to `INFO replication`.
    init?(_ reply: RESPValue) {
        let info = reply.info
        switch (info["role"], info["master_replid"]) {
        case ("master"?, let id?): self = .primary(ReplicationID(id))
        case ("slave"?, _): self = .replica
        default: return nil
        }
    }
}
