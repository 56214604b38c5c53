public import NIOCore

/// The bytes of a request that are the same each time: the request line and fixed fields. What differs is written behind
/// them, so that no request is put together from text while the load runs.
public struct RequestHead: Sendable {
    private let bytes: [UInt8]

    /// - Parameters:
    ///   - host: of the field `Host`.
    ///   - fields: without `Host`, `Content-Length` and those that differ.
    public init(_ method: String, _ path: String, host: String, fields: [(name: String, value: String)] = []) {
        let lines =
            ["\(method) \(path) HTTP/1.1", "Host: \(host)", "User-Agent: redeem-bench"] + fields.map { "\($0.name): \($0.value)" }
        bytes = Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }

    public func write(into buffer: inout ByteBuffer) { buffer.writeBytes(bytes) }
}
