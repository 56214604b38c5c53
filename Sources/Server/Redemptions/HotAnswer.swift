import Domain
import NIOCore

/// Writes an answer of the hot route as the bytes of an HTTP response, past Hummingbird's and NIO's encoders: all of it but a
/// few values is the same each time.
struct HotAnswer {
    let requestID: String
    let connection: HotRequest.Connection
    let durability: Durability
    /// The value of `Date`.
    let date: String

    static let capacity = 768

    func write(_ answer: RedemptionAnswer, to buffer: inout ByteBuffer) {
        switch answer {
        case .redeemed(let redemption, let replayed): write(redemption, replayed: replayed, to: &buffer)
        case .refused(let problem): write(problem, to: &buffer)
        }
    }

    private func write(_ redemption: Redemption, replayed: Bool, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n")
        if replayed { buffer.writeStaticString("Idempotent-Replayed: true\r\n") }
        buffer.writeStaticString("Location: /v1/redemptions/")
        let id = redemption.id.description
        buffer.writeString(id)
        writeCommon(to: &buffer)
        let body = RedemptionJSON.text(redemption, id: id, status: .held, durability: durability)
        writeBody(body, to: &buffer)
    }

    private func write(_ problem: Problem, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(HotAnswer.statusLines[problem.code.index])
        buffer.writeStaticString("\r\nContent-Type: application/problem+json")
        problem.forEachHeader { name, value in
            buffer.writeStaticString("\r\n")
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
        }
        writeCommon(to: &buffer)
        writeBody(problem.body(requestID: requestID), to: &buffer)
    }

    /// Ends a header field and adds those that every answer has.
    private func writeCommon(to buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\nX-Request-Id: ")
        buffer.writeString(requestID)
        buffer.writeStaticString("\r\nDate: ")
        buffer.writeString(date)
        switch connection {
        case .keepAlive: break
        case .keepAliveSaid: buffer.writeStaticString("\r\nConnection: keep-alive")
        case .close: buffer.writeStaticString("\r\nConnection: close")
        }
    }

    private func writeBody(_ body: String, to buffer: inout ByteBuffer) {
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
