/// What an answer to a redemption promises (docs/ARCHITECTURE.md), weakest first.
public enum Durability: String, Sendable, Codable, CaseIterable {
    /// Survives a crash of the service; a Redis kill may lose up to about 2 s.
    case relaxed
    /// Survives kill -9 of everything, and a power loss on an honest disk.
    case local
}
