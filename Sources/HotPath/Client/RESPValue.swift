/// A reply of Redis, in RESP2.
public enum RESPValue: Sendable, Hashable {
    case null
    case integer(Int)
    /// A bulk string or a status. Bytes that are not UTF-8 are repaired; nothing that Redeem keeps in Redis has any.
    case string(String)
    case array([RESPValue])
    /// An error: the whole line, such as `NOSCRIPT No matching script`.
    case error(String)

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    public var array: [RESPValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var isNull: Bool { self == .null }
}
