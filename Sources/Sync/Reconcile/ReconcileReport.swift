/// What `reconcile` found, one check an invariant (docs/ARCHITECTURE.md).
public struct ReconcileReport: Sendable, Encodable {
    public struct Check: Sendable, Encodable {
        public let invariant: Int
        public let text: String
        /// How many coupons, users or rows were looked at.
        public internal(set) var checked = 0
        public internal(set) var violations = 0
        /// The first violations, in words.
        public internal(set) var examples: [String] = []

        public var holds: Bool { violations == 0 }

        mutating func expect(_ holds: Bool, _ example: @autoclosure () -> String) {
            checked += 1
            guard !holds else { return }
            violations += 1
            if examples.count < ReconcileReport.examplesKept { examples.append(example()) }
        }
    }

    static let examplesKept = 20

    public internal(set) var checks: [Check]

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

    mutating func expect(_ invariant: Int, _ holds: Bool, _ example: @autoclosure () -> String) {
        checks[invariant - 1].expect(holds, example())
    }
}
