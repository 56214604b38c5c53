/// Names one history of writes: that of one primary, from the moment at which it became one. Redis draws another id with each start and
/// each promotion (`master_replid` of `INFO replication`; Redis's manual, "Replication ID explained"). So a replica that took over never
/// has the id of the primary before it. Nor has a primary that was a replica for a while.
///
/// Where Sentinels tell the primary, the name also has the epoch of the failover that made it one. Sentinels may go back to a primary that
/// never heard that it was replaced: it kept its id, and lacks what the primary in between decided.
///
/// A primary also gets another id when its first replica comes, and when its last one has been away for an hour.
public struct ReplicationID: Hashable, Sendable, CustomStringConvertible {
    /// 40 hexadecimal digits; with Sentinels also a hyphen and the epoch.
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// The role that a Redis says it has.
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
