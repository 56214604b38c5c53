package import Domain
import NIOCore
import NIOHTTP1

/// Writes an answer of the hot route as the bytes of an HTTP response, without Hummingbird's and NIO's encoders: all of it but a
/// few values is the same each time. The bytes are those that the encoders make of the same answer.
package struct HotAnswer {
    let requestID: RequestID
    let connection: HotCall.Connection
    /// The value of `Date`.
    let date: String

    /// The greatest size of an answer that accepts a redemption, in bytes: fixed text of some 300, a request's id of 128, and the
    /// body.
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
        text.write(replayed ? HotAnswer.replayedHead : HotAnswer.acceptedHead)
        text.write(redemption.id.uuid)
        text.write("\r\nContent-Length: ")
        // The length has three digits, whatever the values are.
        let length = text.skip(3)
        writeCommonFields(to: &text)
        let start = text.count
        text.write(redemption, durability)
        text.fill(length, with: text.count - start, width: 3)
    }

    /// The head up to the id in `Location`, the last field of `RedemptionAnswer.forEachHeader`.
    private static let acceptedHead = head(of: 201) { RedemptionAnswer.forEachHeader(location: "", replayed: false, $0) }
    private static let replayedHead = head(of: 201) { RedemptionAnswer.forEachHeader(location: "", replayed: true, $0) }

    private static func head(of status: Int, _ forEachHeader: ((String, String) -> Void) -> Void) -> String {
        var head = "HTTP/1.1 \(status) \(HTTPResponseStatus(statusCode: status).reasonPhrase)"
        forEachHeader { name, value in head += "\r\n\(name): \(value)" }
        return head
    }

    /// Writes the fields that every answer has, and the end of the head.
    private func writeCommonFields(to text: inout TextWriter) {
        text.write("\r\nX-Request-Id: ")
        text.write(requestID)
        text.write("\r\nDate: ")
        text.write(date)
        switch connection {
        case .keepAlive: break
        case .keepAliveSaid: text.write("\r\nConnection: keep-alive")
        case .close: text.write("\r\nConnection: close")
        }
        text.write("\r\nX-Content-Type-Options: nosniff\r\n\r\n")
    }

    private func write(_ problem: Problem, to buffer: inout ByteBuffer) {
        buffer.writeString(HotAnswer.problemHeads[problem.code.index])
        problem.forEachHeader { name, value in
            buffer.writeStaticString("\r\n")
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
        }
        let body = problem.body(requestID: requestID.description)
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(body.utf8.count))
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: HotAnswer.capacity) { memory in
            var text = TextWriter(memory)
            writeCommonFields(to: &text)
            return text.count
        }
        buffer.writeString(body)
    }

    private static let problemHeads = ProblemCode.allCases.map { code in
        head(of: code.status) { $0("Content-Type", Problem.mediaType) }
    }
}
