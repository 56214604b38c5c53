internal import LoadGenerator
internal import NIOCore

/// Refresh tokens exchanged for the next ones. A session has at most one request under way: a second one with the same token
/// would be taken for theft.
final class RefreshWorkload: Workload {
    private let head: RequestHead
    private let kind: Int
    /// By session.
    private var tokens: [[UInt8]]
    private var free: CircularBuffer<Int>
    private var underWay = 0

    private static let member = JSONMember("refresh_token")

    /// - Parameter thread: of `threads`, which share the tokens.
    init(_ lines: TokenLines, host: String, kind: Int, thread: Int, of threads: Int) {
        head = RequestHead("POST", "/v1/auth/refresh", host: host, fields: [("Content-Type", "application/json")])
        self.kind = kind
        tokens = stride(from: thread, to: lines.count, by: threads).map { lines.withLine($0) { Array($0) } }
        free = CircularBuffer(tokens.indices)
    }

    var supply: WorkloadSupply { free.isEmpty ? underWay == 0 ? .exhausted : .waiting : .ready }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        let session = free.removeFirst()
        underWay += 1
        head.write(into: &buffer)
        buffer.writeString("Content-Length: \(tokens[session].count + 20)\r\n\r\n")
        buffer.writeStaticString("{\"refresh_token\":\"")
        buffer.writeBytes(tokens[session])
        buffer.writeStaticString("\"}")
        return WorkloadRequest(kind: kind, tag: session)
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {
        underWay -= 1
        switch end {
        case .answer(200, _, let body):
            guard let token = RefreshWorkload.member.string(in: body) else { return }
            tokens[request.tag] = Array(token)
            free.append(request.tag)
        // The service did not get to it, so the token is still good.
        case .answer(429, _, _), .answer(503, _, _): free.append(request.tag)
        // Of no use any more, or it is not known which token is the next.
        case .answer, .failure: break
        }
    }
}
