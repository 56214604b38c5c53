internal import Domain

/// A mistake in how the program was called or configured: what is wrong, and what to do. Exit code 64.
struct UsageError: Error, CustomStringConvertible {
    let problem: String
    let remedy: String

    init(_ problem: String, remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }

    var description: String { "\(problem)\n  \(remedy)" }
}

/// What was asked for cannot be done with what is stored. Exit code 1.
struct Refusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func noCoupon(_ id: CouponID) -> Refusal {
        Refusal("there is no coupon \(ArgumentSecrets.ofThisProcess.quoted(id.description)); see: redeem coupon list")
    }
}
