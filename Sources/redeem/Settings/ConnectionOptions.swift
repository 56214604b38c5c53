internal import ArgumentParser
internal import Configuration
internal import Logging
internal import Terminal

/// The flags of every command that talks to Redis or Postgres.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Redis: redis://[user:password@]host[:port][/db], rediss://…, unix:///path, \
            sentinel://[user:password@]host[:port],…/primary[/db], or cluster://[user:password@]host[:port],…. \
            [REDEEM_REDIS_URL]
            """,
            valueName: "url"
        )
    )
    var redisURL: String?

    @Option(
        help: ArgumentHelp("Postgres: postgres://user:password@host[:port]/database. [REDEEM_POSTGRES_URL]", valueName: "url")
    )
    var postgresURL: String?

    @Option(
        help: ArgumentHelp("A file of NAME=value lines, such as .redeem/env. [REDEEM_CONFIG]", valueName: "file"),
        completion: .file()
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            """
            trace, debug, info, notice, warning, error or critical; logs go to stderr. \
            [REDEEM_LOG_LEVEL, default \(Logger.Level.defaults)]
            """,
            valueName: "level"
        ),
        completion: .logLevels
    )
    var logLevel: String?

    /// - Parameter flags: further settings, from the command's own flags.
    func settings(_ flags: [String: String?] = [:]) async throws -> Settings {
        let own: [String: String?] = ["redis.url": redisURL, "postgres.url": postgresURL, "log.level": logLevel]
        return try await Settings(flags: own.merging(flags) { $1 }, file: config)
    }
}

/// Defaults of the log level.
extension Logger.Level {
    static let ofCommands = Logger.Level.notice
    static let ofServices = Logger.Level.info
    static let defaults = "\(ofCommands); \(ofServices) for serve and sync"
}

extension Settings {
    /// A logger to stderr.
    func logger(_ label: String, default standard: Logger.Level = .ofCommands) throws -> Logger {
        let kind = "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
        let level = try reader.value("log.level", kind, default: standard.rawValue) { Logger.Level(rawValue: $0.lowercased()) }
        return .toStandardError(label, level: level)
    }
}
