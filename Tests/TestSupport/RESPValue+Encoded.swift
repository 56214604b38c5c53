package import RedisClient

extension RESPValue {
    /// As Redis writes it.
    package var encoded: [UInt8] {
        switch self {
        case .null: Array("$-1\r\n".utf8)
        case .integer(let value): Array(":\(value)\r\n".utf8)
        case .string(let value): Array("$\(value.utf8.count)\r\n\(value)\r\n".utf8)
        case .bytes(let value): Array("$\(value.count)\r\n".utf8) + value + Array("\r\n".utf8)
        case .error(let value): Array("-\(value)\r\n".utf8)
        case .array(let values): Array("*\(values.count)\r\n".utf8) + values.flatMap(\.encoded)
        }
    }
}
