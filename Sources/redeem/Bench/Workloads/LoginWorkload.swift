internal import LoadGenerator
internal import NIOCore

/// Logins, one user after the other.
final class LoginWorkload: Workload {
    private let head: RequestHead
    private let kind: Int
    /// `Content-Length` and body of each user's request.
    private let tails: [[UInt8]]
    private var turn = 0

    /// - Parameters:
    ///   - lines: each is a username, a space and the password.
    ///   - thread: one of `threads`, which share the users.
    init(_ lines: TokenLines, host: String, kind: Int, thread: Int, of threads: Int) {
        head = RequestHead("POST", "/v1/auth/login", host: host, fields: [("Content-Type", "application/json")])
        self.kind = kind
        // Each thread has at least one user, also where there are more threads than users.
        tails = stride(from: thread % lines.count, to: lines.count, by: threads).map { index in
            let sides = lines.text(index).split(separator: " ", maxSplits: 1)
            let body = RequestBody.json([("username", String(sides[0])), ("password", String(sides.last ?? ""))])
            return Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
        }
    }

    var supply: WorkloadSupply { .ready }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        head.write(into: &buffer)
        buffer.writeBytes(tails[turn])
        defer { turn = (turn + 1) % tails.count }
        return WorkloadRequest(kind: kind, tag: turn)
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}
}
