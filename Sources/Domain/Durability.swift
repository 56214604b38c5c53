/// What an answer to a redemption promises (docs/DURABILITY.md), weakest first.
public enum Durability: String, Sendable, Codable, CaseIterable, Comparable {
    /// Survives a crash of the service; a Redis kill may lose up to about 2 s.
    case relaxed
    /// Survives kill -9 of everything, and a power loss on an honest disk.
    case local
    /// Survives the loss of the Redis that answered, when a replica that had acknowledged takes its place.
    case replicated
    /// Is in Postgres, and so survives the loss of every Redis.
    case ledger

    public static func < (left: Durability, right: Durability) -> Bool { left.rank < right.rank }

    /// The weakest has 0.
    public var rank: Int {
        switch self {
        case .relaxed: 0
        case .local: 1
        case .replicated: 2
        case .ledger: 3
        }
    }

    /// All of them, for messages: `relaxed, local, replicated or ledger`.
    public static var list: String {
        let names = allCases.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }
}
