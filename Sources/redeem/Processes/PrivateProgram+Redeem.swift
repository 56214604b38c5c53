internal import Configuration
internal import Foundation
internal import LocalStack
internal import Logging

extension PrivateProgram {
    /// Where the program that runs is.
    static func ownPath() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// Starts a command of `redeem` with settings of its own, and none of a file.
    /// - Parameters:
    ///   - program: the path of `redeem`.
    ///   - values: settings by key.
    static func startRedeem(
        _ name: String,
        program: String,
        command: [String],
        values: [String: String],
        in directory: String,
        readyMarker: String,
        logger: Logger
    ) async throws -> PrivateProgram {
        var environment: [String: String?] = ["REDEEM_CONFIG": nil]
        for (key, value) in values { environment[ConfigReader.variable(key)] = value }
        return try await start(
            name,
            command: [program] + command,
            environment: environment,
            in: directory,
            readyMarker: readyMarker,
            logger: logger
        )
    }
}

/// Where a `redeem serve` listens, by the line with which it says so: `ready http://… operations http://…`.
struct ServerAddresses {
    let api: HTTPAddress
    let operations: HTTPAddress

    init(readyLine: String) throws {
        let words = readyLine.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 4 else { throw Refusal("`redeem serve` said '\(readyLine)', and not where it listens") }
        api = try HTTPAddress(words[1], of: "the server's address")
        operations = try HTTPAddress(words[3], of: "the server's address")
    }
}
