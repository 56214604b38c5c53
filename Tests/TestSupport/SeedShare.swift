import FoundationEssentials

/// How many of its seeds a simulation plays: a quarter, or as many in a hundred as `REDEEM_SEED_PERCENT` says. `make test-faults`
/// plays all of them.
public enum SeedShare {
    private static let percent =
        ProcessInfo.processInfo.environment["REDEEM_SEED_PERCENT"].map { text in
            guard let percent = Int(text), (1...100).contains(percent) else {
                fatalError("REDEEM_SEED_PERCENT is no percentage: \(text)")
            }
            return percent
        } ?? 25

    public static var isWhole: Bool { percent == 100 }

    public static func of(_ all: Int) -> Int { max(1, all * percent / 100) }
}
