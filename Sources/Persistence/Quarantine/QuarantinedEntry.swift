public import Domain

/// One thing that an outbox held and `redemptions` could not take.
public struct QuarantinedEntry: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case redemption(Redemption)
        /// An outbox entry that does not parse, or a redemption of a coupon that nobody knows any more; its fields as JSON.
        case unreadable(String)
    }

    /// Given by Postgres; grows.
    public let id: Int
    public let shard: Shard
    /// Of the entry. Redis has what was decided in its present epoch, and nothing of earlier ones.
    public let epoch: Epoch
    public let streamID: StreamID
    public let content: Content
    /// Of the redemption's user; `nil` where there is none such.
    public let username: String?
    /// Why it did not land, in Postgres's words where they are Postgres's.
    public let reason: String
    /// When it came into quarantine.
    public let since: Timestamp
}

/// Which of them to list.
public struct QuarantineFilter: Hashable, Sendable {
    public var shard: Shard?
    /// A part of the reason, in either case.
    public var reason: String?

    public init(shard: Shard? = nil, reason: String? = nil) {
        self.shard = shard
        self.reason = reason
    }
}

/// What became of an attempt to land something after all.
public enum QuarantineRetry: Hashable, Sendable {
    /// It is a row of `redemptions` now, and not in quarantine any more.
    case landed(RedemptionID)
    /// It still does not fit, for this reason, and stays in quarantine.
    case refused(String)
    /// There is no such thing in quarantine.
    case notFound
}

/// What a drop means for Redis.
public enum QuarantineDrop: Hashable, Sendable {
    /// The shard's owner gives credit and stock back as soon as it has applied this entry of the control log.
    case givenBack(control: Int)
    /// Nothing is to be given back: a rebuild has done it since, or will (it is of an epoch that this Postgres has yet to begin), or
    /// nothing could be read from it.
    case nothingHeld
    /// Postgres has another row of the same user and coupon, or the very same redemption, so Redis and Postgres differ about this
    /// user in more than what was dropped: a rebuild mends it.
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

/// What Postgres knows of a redemption that is not a row.
public enum RedemptionFate: Hashable, Sendable {
    case quarantined(price: Int)
    /// - Parameter control: the entry of the control log that gives its price and stock back; `nil`: none does.
    case dropped(price: Int, control: Int?)
}
