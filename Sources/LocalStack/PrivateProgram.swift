import Glibc
public import Logging
import Subprocess

/// Another program beside the private servers, such as one that is measured. It runs as this process's own user, in a folder that
/// keeps its output, and ends at the latest with this process, even if that is killed.
public struct PrivateProgram: Sendable {
    private let process: ServerProcess

    public var pid: Int32 { process.pid }
    /// The line by which it said that it is ready.
    public var readyLine: String { process.readyLine }

    /// Starts the program, and returns when it has written a line with `readyMarker`.
    /// - Parameters:
    ///   - command: an absolute path, and arguments.
    ///   - environment: added to this process's own; `nil` takes a variable away.
    ///   - directory: the folder, made if it is missing. Its file `log` gets the output.
    public static func start(
        _ name: String,
        command: [String],
        environment: [String: String?],
        in directory: String,
        readyMarker: String,
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> PrivateProgram {
        let changes = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let launch = ServerProcess.Launch(
            name: name,
            command: command,
            folder: try ServerFolder(path: ServerFolder.standardized(directory), account: nil),
            readyMarker: readyMarker,
            stopSignal: .terminate,
            stopSignalName: "TERM",
            limits: limits,
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: changes))
        )
        return PrivateProgram(process: try await ServerProcess.launch(launch, logger: logger))
    }

    /// Stops the program by SIGTERM, or by SIGKILL if that takes too long, and returns when it has gone.
    /// - Returns: the exit code; `nil` if a signal ended it.
    @discardableResult
    public func stop() async -> Int32? {
        await process.stop()
        return process.exitStatus
    }

    /// Kills the program by SIGKILL, and returns when it has gone.
    public func kill() async { await process.kill() }

    /// Suspends the program by SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { process.send(SIGSTOP) }

    /// Lets the program go on, by SIGCONT.
    public func resume() { process.send(SIGCONT) }

    /// Waits until the program has ended, ordered or not, and says how.
    public func waitUntilExit() async -> LocalStackError { await process.waitUntilExit() }
}
