/// Which program a server is, and of which version.
///
/// Valkey, which went on from Redis 7.2, tells every client `redis_version:7.2.4`, whatever its own version is.
public struct RedisVersion: Sendable, Hashable, CustomStringConvertible {
    public enum Program: String, Sendable {
        case redis = "Redis"
        case valkey = "Valkey"
    }

    public let program: Program
    /// 0: it tells no version.
    public let major: Int
    public let description: String

    public static let question = ["INFO", "server"]

    /// - Parameter reply: that to `question`.
    public init(_ reply: RESPValue) {
        let info = reply.info
        let valkey = info["valkey_version"]
        let version = valkey ?? info["redis_version"] ?? "of an unknown version"
        program = valkey == nil ? .redis : .valkey
        major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
        description = "\(program.rawValue) \(version)"
    }
}
