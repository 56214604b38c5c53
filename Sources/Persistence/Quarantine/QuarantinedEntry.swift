public import Domain

/// An entry in quarantine: a redemption, or a malformed entry of an outbox, that could not land.
public struct QuarantinedEntry: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case redemption(Redemption)
        /// An outbox entry that does not parse, or a redemption of a coupon that nobody knows any more; its fields as JSON.
        case unreadable(String)
    }

    /// A number that Postgres gives; it grows.
    public let id: Int
    public let shard: Shard
    /// The epoch that decided it. Redis holds credit and stock for entries of its present epoch, and not for those of earlier ones.
    public let epoch: Epoch
    public let streamID: StreamID
    public let content: Content
    /// The username of the redemption's user; `nil`: there is no such user.
    public let username: String?
    /// The reason why it did not land, in Postgres's words if Postgres refused it.
    public let reason: String
    /// The moment at which it came into quarantine.
    public let since: Timestamp
}

/// Says which entries to list.
public struct QuarantineFilter: Hashable, Sendable {
    public var shard: Shard?
    /// A part of the reason, in upper or lower case.
    public var reason: String?

    public init(shard: Shard? = nil, reason: String? = nil) {
        self.shard = shard
        self.reason = reason
    }
}

/// The result of an attempt to land an entry after all.
public enum QuarantineRetry: Hashable, Sendable {
    /// It is a row of `redemptions` now, and not in quarantine any more.
    case landed(RedemptionID)
    /// It still does not fit, for this reason, and stays in quarantine.
    case refused(String)
    /// There is no such entry in quarantine.
    case notFound
}

/// The consequence of a drop for Redis.
public enum QuarantineDrop: Hashable, Sendable {
    /// The shard's owner gives credit and stock back as soon as it has applied this entry of the control log.
    case givenBack(control: Int)
    /// Nothing needs to be given back. A rebuild has done it since, or will do it, for an epoch that this Postgres has yet to begin; or the
    /// entry cannot be read.
    case nothingHeld
    /// Postgres has another redemption of the same user and coupon, or the same one. So Redis and Postgres differ about this user in more
    /// than what was dropped, which a rebuild mends.
    case rebuildNeeded
}

public enum QuarantineError: Error, Hashable, Sendable, CustomStringConvertible {
    case notFound([Int])

    public var description: String {
        switch self {
        case .notFound(let ids): "there is no \(ids.map(String.init).joined(separator: ", ")) in quarantine"
        }
    }
}

/// The fate of a redemption that is not a row.
public enum RedemptionFate: Hashable, Sendable {
    case quarantined(price: Int)
    /// - Parameter control: the entry of the control log that gives its price and stock back; `nil`: none does.
    case dropped(price: Int, control: Int?)
}
