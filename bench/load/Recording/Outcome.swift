/// The reason why a request that was sent has no answer. Its outcome is unknown.
public enum TransportFailure: String, CaseIterable, Sendable {
    /// The connection ended after the request was sent.
    case connectionLost = "connection_lost"
    /// No answer within `LoadLimits.requestTimeout`.
    case timeout
    /// The answer is not HTTP/1.1, or is longer than `LoadLimits.answerBytes`.
    case invalidAnswer = "invalid_answer"
}

/// The end of a request, by name: the `code` of a problem (RFC 9457) if the answer has one, else its status. A request without an
/// answer has the reason as its name.
public struct Outcome: Hashable, Sendable, Codable {
    public let name: String
    /// `nil` if there is no answer.
    public let status: Int?

    public init(name: String, status: Int?) {
        self.name = name
        self.status = status
    }

    public init(_ failure: TransportFailure) { self.init(name: failure.rawValue, status: nil) }
}
