import Glibc
public import Logging
import Subprocess

/// Another program beside the private servers, such as one that is measured: started as this process's own user, in a folder
/// of its own that keeps its output. It ends at the latest with this process, even when that is killed.
public struct PrivateProgram: Sendable {
    private let process: ServerProcess

    public var pid: Int32 { process.pid }
    /// The line by which it said that it is ready.
    public var readyLine: String { process.readyLine }

    /// Returns when a line that has `readyMarker` was written.
    /// - Parameters:
    ///   - command: an absolute path, and arguments.
    ///   - environment: added to this process's own; `nil` takes a variable away.
    ///   - directory: made where it is missing; its file `log` gets the output.
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

    /// SIGTERM, and SIGKILL when that takes too long; returns when it has gone.
    /// - Returns: what it exited with; `nil`: a signal ended it.
    @discardableResult
    public func stop() async -> Int32? {
        await process.stop()
        return process.exitStatus
    }

    /// SIGKILL; returns when it has gone.
    public func kill() async { await process.kill() }

    /// SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { process.send(SIGSTOP) }

    /// SIGCONT.
    public func resume() { process.send(SIGCONT) }

    /// Waits for its end, ordered or not, and says how it was.
    public func waitUntilExit() async -> LocalStackError { await process.waitUntilExit() }
}
