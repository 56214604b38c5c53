package import Logging

extension Logger {
    /// A logger to stderr, whose entries are lines.
    package static func toStandardError(_ label: String, level: Level) -> Logger {
        var logger = Logger(label: label) { LineLogHandler(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// Writes each entry to stderr as one line. An error of Postgres has several lines, and the words of a client or server must not look like
/// an entry of ours. Warnings that come again and again are counted (`RepeatedWarnings`).
struct LineLogHandler: LogHandler {
    private var stream: StreamLogHandler
    private static let repeats = RepeatedWarnings()
    /// Messages that Hummingbird logs as errors when a server is stopped because another part has failed. That failure is logged anyway.
    private static let noise: Set<String> = [
        "Waiting on child channel: CancellationError()", "Server shutdown error: Already closed",
    ]

    init(label: String) { stream = StreamLogHandler.standardError(label: label) }

    var logLevel: Logger.Level {
        get { stream.logLevel }
        set { stream.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { stream.metadata }
        set { stream.metadata = newValue.mapValues(\.oneLine) }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { stream.metadataProvider }
        set { stream.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { stream[metadataKey: key] }
        set { stream[metadataKey: key] = newValue?.oneLine }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(Printable.text(event.message.description))"
        event.metadata = event.metadata?.mapValues(\.oneLine)
        // With level debug somebody looks for a fault, and wants all entries.
        guard logLevel > .debug else { return stream.log(event: event) }
        guard event.level != .error || !LineLogHandler.noise.contains(event.message.description) else { return }
        let stream = stream
        LineLogHandler.repeats.take(event) { stream.log(event: $0) }
    }
}

extension Logger.MetadataValue {
    fileprivate var oneLine: Logger.MetadataValue {
        switch self {
        case .string(let text): .string(Printable.text(text))
        case .stringConvertible(let value): .string(Printable.text(value.description))
        case .array(let values): .array(values.map(\.oneLine))
        case .dictionary(let values): .dictionary(values.mapValues(\.oneLine))
        }
    }
}
