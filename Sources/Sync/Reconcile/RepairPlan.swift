public import Domain

/// What of a report can be repaired without anybody losing what he was promised. Decided from the report alone.
///
/// Three things are. Evidence of a redemption that is nowhere but in Redis is put into quarantine: nothing is decided by that. A
/// coupon's count is set to that of its rows, which it only repeats. And a shard is rebuilt from Postgres, after what its outbox
/// holds was landed, unless its Redis is the only one to hold what somebody has yet to decide about: a rebuild would give that
/// credit and stock to others.
public struct RepairPlan: Hashable, Sendable {
    public let quarantine: [UnaccountedRedemption]
    public let recounts: [CouponID]
    public let rebuilds: [Shard]
    /// Those that a rebuild would mend and that are not rebuilt as long as there is something to decide.
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

    /// What would be done, and what would not be, a line each.
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
