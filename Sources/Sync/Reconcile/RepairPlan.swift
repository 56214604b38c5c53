public import Domain

/// The repairs for a report that take nothing from anybody that was promised. They follow from the report alone.
///
/// There are three kinds. A redemption that only Redis has is put into quarantine, which decides nothing. A coupon's count is set to the
/// number of its rows, which it only repeats. A shard is rebuilt from Postgres, after the entries of its outbox have landed; but not as
/// long as its Redis alone holds something that an operator has yet to decide, since a rebuild would give that credit and stock to others.
public struct RepairPlan: Hashable, Sendable {
    public let quarantine: [UnaccountedRedemption]
    public let recounts: [CouponID]
    public let rebuilds: [Shard]
    /// Shards that a rebuild would mend, and that are not rebuilt before an operator has decided.
    public let undecided: [Shard]

    public init(_ report: ReconcileReport) {
        var (recounts, rebuilds, undecided): (Set<CouponID>, Set<Shard>, Set<Shard>) = ([], [], [])
        for remedy in report.remedies.keys {
            switch remedy {
            case .rebuild(let shard): rebuilds.insert(shard)
            case .recount(let coupon): recounts.insert(coupon)
            case .quarantine(let shard?), .unaccounted(let shard): undecided.insert(shard)
            case .quarantine(nil), .owner, .byHand: break
            }
        }
        quarantine = report.unaccounted
        self.recounts = recounts.sorted()
        self.rebuilds = rebuilds.subtracting(undecided).sorted()
        self.undecided = rebuilds.intersection(undecided).sorted()
    }

    public var isEmpty: Bool { quarantine.isEmpty && recounts.isEmpty && rebuilds.isEmpty }

    /// The plan for people: a line for each repair, and for each shard that is not rebuilt.
    public var lines: [String] {
        var lines: [String] = []
        if !quarantine.isEmpty {
            lines.append("put into quarantine \(quarantine.count) redemptions that only Redis has")
        }
        lines += recounts.map { "set the count of redemptions of \($0) to that of its rows" }
        lines += rebuilds.map {
            "rebuild shard \($0) from Postgres: it is closed meanwhile, and its users are loaded again"
        }
        lines += undecided.map {
            "not: rebuild shard \($0), whose Redis alone holds what is to be decided first (`redeem quarantine list`)"
        }
        return lines
    }
}
