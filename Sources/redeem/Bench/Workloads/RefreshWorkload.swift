internal import LoadGenerator
internal import NIOCore

/// Refresh tokens that are exchanged for the next ones. A session has at most one request under way, because the service would
/// take a second one with the same token for theft.
final class RefreshWorkload: Workload {
    private let head: RequestHead
    private let kind: Int
    /// The current refresh token of each session.
    private var tokens: [[UInt8]]
    private var free: CircularBuffer<Int>
    private var underWay = 0

    private static let member = JSONMember("refresh_token")

    /// - Parameter thread: one of `threads`, which share the sessions.
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
        // The service refused before it looked at the token, so the token is still good.
        case .answer(429, _, _), .answer(503, _, _): free.append(request.tag)
        // The session has ended, or its next token is unknown.
        case .answer, .failure: break
        }
    }
}
