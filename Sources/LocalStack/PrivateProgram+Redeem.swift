import FoundationEssentials
package import Logging
import Subprocess

extension PrivateProgram {
    /// The path of the running program.
    package static func ownPath() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// Starts a command of `redeem` with these settings, and with no settings file.
    /// - Parameters:
    ///   - program: the path of `redeem`.
    ///   - settings: values by the names of their variables.
    package static func startRedeem(
        _ name: String,
        program: String,
        command: [String],
        settings: [String: String],
        in directory: String,
        readyMarker: String,
        logger: Logger
    ) async throws -> PrivateProgram {
        try await start(
            name,
            command: [program] + command,
            environment: environment(settings),
            in: directory,
            readyMarker: readyMarker,
            logger: logger
        )
    }

    /// Runs a command of `redeem` to its end. If it fails, its output is in the error.
    package static func runRedeem(program: String, command: [String], settings: [String: String]) async throws {
        let changes = environment(settings).map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        var options = PlatformOptions()
        options.createSession = true
        // A program is started here by a name that is no path, so `env` starts the one at this path.
        let configuration = Configuration(
            ["env", program] + command,
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: changes)),
            platformOptions: options
        )
        let result = try await Subprocess.run(
            configuration,
            input: .string(""),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        guard result.terminationStatus.isSuccess else {
            let lines = (result.standardOutput + result.standardError).split(separator: "\n").suffix(StackLimits.outputLines)
            throw LocalStackError(
                .commandFailed,
                "redeem \(command.joined(separator: " ")): \(result.terminationStatus)",
                output: lines.map(String.init)
            )
        }
    }

    private static func environment(_ settings: [String: String]) -> [String: String?] {
        var environment: [String: String?] = ["REDEEM_CONFIG": nil]
        for (variable, value) in settings { environment[variable] = value }
        return environment
    }
}
