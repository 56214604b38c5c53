import FoundationEssentials
package import Logging

extension PrivateProgram {
    /// The path of the running program.
    package static func ownPath() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// Starts a command of `redeem` with settings of its own, and none of a file.
    /// - Parameters:
    ///   - program: the path of `redeem`.
    ///   - settings: by the names of their variables.
    package static func startRedeem(
        _ name: String,
        program: String,
        command: [String],
        settings: [String: String],
        in directory: String,
        readyMarker: String,
        logger: Logger
    ) async throws -> PrivateProgram {
        var environment: [String: String?] = ["REDEEM_CONFIG": nil]
        for (variable, value) in settings { environment[variable] = value }
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
