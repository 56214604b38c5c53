package import Domain
import NIOCore

/// Writes an answer of the hot route as the bytes of an HTTP response, past Hummingbird's and NIO's encoders: all of it but a
/// few values is the same each time.
package struct HotAnswer {
    let requestID: RequestID
    let connection: HotCall.Connection
    /// The value of `Date`.
    let date: String

    /// Of an answer that says what was redeemed: fixed text of some 290 bytes, a request's id of 128 and the body.
    package static let capacity = 512 + RedemptionJSON.capacity

    package init(requestID: RequestID, connection: HotCall.Connection, date: String) {
        self.requestID = requestID
        self.connection = connection
        self.date = date
    }

    func write(_ answer: RedemptionAnswer, to buffer: inout ByteBuffer) {
        switch answer {
        case .redeemed(let redemption, let replayed, let durability):
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: HotAnswer.capacity) { memory in
                var text = TextWriter(memory)
                write(redemption, replayed: replayed, durability, to: &text)
                return text.count
            }
        case .refused(let problem): write(problem, to: &buffer)
        }
    }

    package func write(_ redemption: Redemption, replayed: Bool, _ durability: Durability, to text: inout TextWriter) {
        text.write(
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        )
        if replayed { text.write("Idempotent-Replayed: true\r\n") }
        text.write("Location: /v1/redemptions/")
        text.write(redemption.id.uuid)
        write(to: &text)
        text.write("\r\nContent-Length: ")
        // 100 to 999 whatever the values are.
        let length = text.skip(3)
        text.write("\r\n\r\n")
        let start = text.count
        text.write(redemption, status: .promised(durability), durability: durability)
        text.fill(length, with: text.count - start, width: 3)
    }

    /// Ends a header field and adds those that every answer has.
    private func write(to text: inout TextWriter) {
        text.write("\r\nX-Request-Id: ")
        text.write(requestID)
        text.write("\r\nDate: ")
        text.write(date)
        switch connection {
        case .keepAlive: break
        case .keepAliveSaid: text.write("\r\nConnection: keep-alive")
        case .close: text.write("\r\nConnection: close")
        }
    }

    private func write(_ problem: Problem, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(HotAnswer.statusLines[problem.code.index])
        buffer.writeStaticString("\r\nContent-Type: application/problem+json\r\nX-Content-Type-Options: nosniff")
        problem.forEachHeader { name, value in
            buffer.writeStaticString("\r\n")
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
        }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: HotAnswer.capacity) { memory in
            var text = TextWriter(memory)
            write(to: &text)
            return text.count
        }
        let body = problem.body(requestID: requestID.description)
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(body.utf8.count))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeString(body)
    }

    private static let statusLines = ProblemCode.allCases.map { code in
        "\(code.status) \(reasons[code.status] ?? "Error")"
    }

    private static let reasons = [
        400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large",
        415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
    ]
}
