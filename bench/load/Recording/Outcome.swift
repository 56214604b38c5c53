/// How a request ended that was sent and has no answer. What became of it is not known.
public enum TransportFailure: String, CaseIterable, Sendable {
    /// The connection ended after the request was sent.
    case connectionLost = "connection_lost"
    /// No answer within `LoadLimits.requestTimeout`.
    case timeout
    /// Not an answer of HTTP/1.1, or one longer than `LoadLimits.answerBytes`.
    case invalidAnswer = "invalid_answer"
}

/// How a request ended, by name: the `code` of a problem (RFC 9457) where the answer has one, else its status, else why there
/// was none.
public struct Outcome: Hashable, Sendable, Codable {
    public let name: String
    /// `nil` without an answer.
    public let status: Int?

    public init(name: String, status: Int?) {
        self.name = name
        self.status = status
    }

    public init(_ failure: TransportFailure) { self.init(name: failure.rawValue, status: nil) }
}
