public import NIOCore

/// The bytes that are the same in each request: the request line and fixed fields. The others are written behind them, so that no
/// request is put together from text while the load runs.
public struct RequestHead: Sendable {
    private let bytes: [UInt8]

    /// - Parameters:
    ///   - host: the value of the field `Host`.
    ///   - fields: all fixed fields but `Host` and `Content-Length`.
    public init(_ method: String, _ path: String, host: String, fields: [(name: String, value: String)] = []) {
        let lines =
            ["\(method) \(path) HTTP/1.1", "Host: \(host)", "User-Agent: redeem-bench"] + fields.map { "\($0.name): \($0.value)" }
        bytes = Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }

    public func write(into buffer: inout ByteBuffer) { buffer.writeBytes(bytes) }
}
