/// A reply of Redis, in RESP2.
public enum RESPValue: Sendable, Hashable {
    case null
    case integer(Int)
    /// A bulk string or a status.
    case string(String)
    /// A bulk string that is not UTF-8.
    case bytes([UInt8])
    case array([RESPValue])
    /// An error: the whole line, such as `NOSCRIPT No matching script`.
    case error(String)

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The bytes of a string, in either case: binary data may happen to be UTF-8.
    package var bytes: [UInt8]? {
        switch self {
        case .string(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        case .null, .integer, .array, .error: nil
        }
    }

    public var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    public var array: [RESPValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var isNull: Bool { self == .null }

    /// The number of an integer or of a text: the fields of a hash are text.
    package var number: Int? { integer ?? string.flatMap { Int($0) } }

    /// Values by name, from an array that has names and values in turn.
    package var dictionary: [String: RESPValue] {
        let values = array ?? []
        var dictionary: [String: RESPValue] = [:]
        for index in stride(from: 0, to: values.count - 1, by: 2) {
            if let name = values[index].string { dictionary[name] = values[index + 1] }
        }
        return dictionary
    }

    /// Values by name, from a reply to INFO.
    public var info: [String: String] {
        var values: [String: String] = [:]
        for line in (string ?? "").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        return values
    }
}
