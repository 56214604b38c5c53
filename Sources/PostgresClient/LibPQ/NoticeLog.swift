import CLibPQ
import Logging

/// Writes the server's notices to the logger; libpq would print them on stderr.
final class NoticeLog {
    private let logger: Logger
    /// The reason that the server gave for closing the connection, where no statement was under way: libpq takes it for a notice.
    private(set) var lastWords: PostgresError?

    init(logger: Logger) {
        self.logger = logger
    }

    /// libpq keeps an unowned pointer to this object, so it must live as long as the connection.
    func receive(from connection: OpaquePointer) {
        _ = PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().log(result)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func log(_ result: OpaquePointer) {
        let field = { (code: Int32) in PQresultErrorField(result, code).map { String(cString: $0) } }
        let message = field(LibPQField.message) ?? "notice without a message"
        let level: Logger.Level
        switch field(LibPQField.severity) {
        case "WARNING": level = .warning
        case "FATAL", "PANIC":
            level = .info
            lastWords = PostgresError(.connectionLost, message, sqlState: field(LibPQField.sqlState))
        default: level = .debug
        }
        logger.log(level: level, "Postgres: \(message)", metadata: field(LibPQField.sqlState).map { ["sqlstate": "\($0)"] })
    }
}
