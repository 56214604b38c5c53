/// The durability that an answer to a redemption promises (docs/DURABILITY.md), the weakest first.
public enum Durability: String, Sendable, Codable, CaseIterable, Comparable {
    /// The redemption survives a crash of the service. A kill of Redis may lose the redemptions of about 2 s.
    case relaxed
    /// The redemption survives kill -9 of everything, and a power loss on an honest disk.
    case local
    /// The redemption survives the loss of the Redis that answered, if a replica that had acknowledged it takes over.
    case replicated
    /// The redemption is in Postgres, so it survives the loss of every Redis.
    case ledger

    public static func < (left: Durability, right: Durability) -> Bool { left.rank < right.rank }

    /// How much the mode promises; the weakest has 0.
    public var rank: Int {
        switch self {
        case .relaxed: 0
        case .local: 1
        case .replicated: 2
        case .ledger: 3
        }
    }

    /// The names of all modes, for messages: `relaxed, local, replicated or ledger`.
    public static var list: String {
        let names = allCases.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }
}
