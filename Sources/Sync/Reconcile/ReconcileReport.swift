public import Domain

/// Tells what `reconcile` found, with a check for each invariant (docs/ARCHITECTURE.md).
public struct ReconcileReport: Sendable {
    public struct Violation: Sendable {
        public let text: String
        public let remedy: Remedy
    }

    public struct Check: Sendable {
        public let invariant: Int
        public let text: String
        /// The number of coupons, users or rows that were looked at.
        public internal(set) var checked = 0
        public internal(set) var violations = 0
        /// The first `ReconcileReport.examplesKept` violations.
        public internal(set) var kept: [Violation] = []

        public var holds: Bool { violations == 0 }
        /// The first violations, in words.
        public var examples: [String] { kept.map(\.text) }
    }

    static let examplesKept = 20
    /// The most redemptions in `unaccounted`. Of further ones only the number is known, so repairing takes another run.
    static let unaccountedKept = 10_000

    public internal(set) var checks: [Check]
    /// How often each remedy was named.
    public internal(set) var remedies: [Remedy: Int] = [:]
    /// The first `unaccountedKept` redemptions that only Redis has.
    public internal(set) var unaccounted: [UnaccountedRedemption] = []

    public var holds: Bool { checks.allSatisfy(\.holds) }

    init() {
        let texts = [
            "redemptions of a coupon are at most its total",
            "a user redeemed a coupon at most once",
            "for each user: grants = available + held + spent, none negative",
            "what Redis accepted is in Postgres exactly once, or waits in the outbox",
            "for each coupon: left + redemptions + undrained = total",
            "the cursor is in the shard's epoch, and no row and no trim is beyond it",
            "a revoked session redeems nothing: the script that decides is the one that checks the session",
        ]
        checks = texts.enumerated().map { Check(invariant: $0.offset + 1, text: $0.element) }
    }

    mutating func expect(
        _ invariant: Int,
        _ holds: Bool,
        _ text: @autoclosure () -> String,
        _ remedy: @autoclosure () -> Remedy
    ) {
        checks[invariant - 1].checked += 1
        if !holds { violation(invariant, text(), remedy()) }
    }

    private mutating func violation(_ invariant: Int, _ text: String, _ remedy: Remedy) {
        remedies[remedy, default: 0] += 1
        checks[invariant - 1].violations += 1
        if checks[invariant - 1].kept.count < ReconcileReport.examplesKept {
            checks[invariant - 1].kept.append(Violation(text: text, remedy: remedy))
        }
    }

    mutating func note(_ redemption: UnaccountedRedemption) {
        if unaccounted.count < ReconcileReport.unaccountedKept { unaccounted.append(redemption) }
    }
}

extension ReconcileReport: Encodable {
    private enum CodingKeys: String, CodingKey { case checks }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(checks, forKey: .checks)
    }
}

extension ReconcileReport.Check: Encodable {
    private enum CodingKeys: String, CodingKey { case invariant, text, checked, violations, examples, remedies }

    /// `remedies` has one for each of `examples`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(invariant, forKey: .invariant)
        try container.encode(text, forKey: .text)
        try container.encode(checked, forKey: .checked)
        try container.encode(violations, forKey: .violations)
        try container.encode(examples, forKey: .examples)
        try container.encode(kept.map(\.remedy.name), forKey: .remedies)
    }
}
