import FoundationEssentials
import Subprocess

/// Finds the servers' programs, and runs those that prepare one.
enum ServerPrograms {
    static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The path of a program; `nil` if it is neither in PATH nor in the system's usual folders.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return "\(path):\(searchPath)".split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func missing(_ name: String, package: String) -> LocalStackError {
        LocalStackError(.programMissing, "\(name) is not installed: install the Debian package \(package) (`make setup` does it)")
    }

    /// Runs a program to its end in the folder, as the folder's owner, and returns what it wrote to standard output.
    @discardableResult
    static func run(
        _ command: [String],
        in folder: ServerFolder,
        input: String = "",
        environment: [Environment.Key: String] = [:],
        limits: StackLimits
    ) async throws -> String {
        var options = PlatformOptions()
        options.createSession = true
        let timeout = String(limits.commandTimeout.components.seconds)
        let configuration = Configuration(
            folder.commandAsOwner(["env", "-C", folder.path, "timeout", timeout] + command),
            environment: .server.updating(environment.mapValues { $0 }),
            platformOptions: options
        )
        let result = try await Subprocess.run(
            configuration,
            input: .string(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        guard result.terminationStatus.isSuccess else {
            let lines = (result.standardOutput + result.standardError).split(separator: "\n").suffix(StackLimits.outputLines)
            throw LocalStackError(.commandFailed, "\(command[0]): \(result.terminationStatus)", output: lines.map(String.init))
        }
        return result.standardOutput
    }
}
