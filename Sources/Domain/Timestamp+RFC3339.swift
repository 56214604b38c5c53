import FoundationEssentials

extension Timestamp {
    /// Parses RFC 3339, `2030-06-01T10:00:00Z`, with or without a fraction of a second. `nil`: it is not such a moment.
    public init?(rfc3339 text: String) {
        let date =
            (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        guard let date else { return nil }
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
