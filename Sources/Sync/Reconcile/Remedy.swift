public import Domain

/// The remedy for a violation.
public enum Remedy: Hashable, Sendable {
    /// Redis and Postgres differ, and Postgres or the outbox has all that was accepted: rebuilding the shard mends it.
    case rebuild(Shard)
    /// A coupon's count of redemptions is not that of its rows.
    case recount(CouponID)
    /// A redemption could not land, and an operator has to decide. With a shard: its Redis still holds the credit and the stock.
    case quarantine(Shard?)
    /// Redis accepted a redemption that is in neither the outbox nor Postgres. Only an operator can decide whether it stands.
    case unaccounted(Shard)
    /// The owner mends it without being asked.
    case owner
    /// An operator has to do what the text says.
    case byHand(String)

    static let oversold = Remedy.byHand(
        "more was redeemed than the total, which the schema forbids: put coupons_redeemed_range back, and raise the total"
    )

    /// The name of the remedy in a report for programs.
    public var name: String {
        switch self {
        case .rebuild: "rebuild"
        case .recount: "recount"
        case .quarantine: "quarantine"
        case .unaccounted: "unaccounted"
        case .owner: "owner"
        case .byHand: "by_hand"
        }
    }

    public var advice: String {
        switch self {
        case .rebuild: "`redeem reconcile --repair` has the shard rebuilt from Postgres"
        case .recount: "`redeem reconcile --repair` sets the count to that of the rows"
        case .quarantine(nil): "decide: `redeem quarantine list`, then `retry` or `drop`"
        case .quarantine: "in quarantine: decide by `redeem quarantine retry` or `drop`; until then the shard is not rebuilt"
        case .unaccounted:
            "accepted, and lost on its way to Postgres; it may have been acknowledged. `redeem reconcile --repair` puts it into "
                + "quarantine, where `retry` lands it and `drop` gives it up"
        case .owner: "the shard's owner mends it: see that `redeem sync` runs, and what it logs"
        case .byHand(let advice): advice
        }
    }
}
