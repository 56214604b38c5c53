/// Where a primary is, and since which failover.
struct PrimaryLocation: Hashable, Sendable {
    let node: RedisEndpoint.Node
    /// `config-epoch`, of Sentinel's or of the cluster's node: each failover and each move of a slot has a higher one.
    let epoch: Int
}

/// What the answers of several guides amount to. No I/O.
///
/// Each failover has an epoch of its own, higher than those before, and takes a majority; guides that were cut off meanwhile go on telling
/// of the primary before it. So of several answers the one of the highest epoch counts.
struct PrimaryView {
    /// What was last followed.
    private(set) var current: PrimaryLocation?

    /// Where the primary is; `nil`: nobody told, or only some who are behind the times. A majority is not behind: where it tells
    /// of an older epoch than was seen, the guides were set up again. Of two names for one place, the one stays that was followed.
    mutating func learn(_ answers: [PrimaryLocation], isMajority: Bool) -> PrimaryLocation? {
        guard let best = answers.max(by: { $0.epoch < $1.epoch }) else { return nil }
        if let current {
            if best.epoch < current.epoch, !isMajority { return nil }
            if best.epoch == current.epoch, answers.contains(current) { return current }
        }
        current = best
        return best
    }
}
