import FoundationEssentials
package import Logging
import Synchronization

/// One `redeem serve` or `redeem sync` that can be killed, suspended and started again. Only one task at a time may call it.
package final class ServiceProcess: Sendable {
    package let name: String
    private let program: String
    private let command: [String]
    private let readyMarker: String
    private let settings: [String: String]
    private let folder: String
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var process: PrivateProgram?
        var starts = 0
    }

    /// - Parameters:
    ///   - program: the path of `redeem`.
    ///   - settings: values by the names of their variables.
    package init(
        _ name: String,
        program: String,
        command: [String],
        readyMarker: String,
        settings: [String: String],
        folder: String,
        logger: Logger
    ) {
        self.name = name
        self.program = program
        self.command = command
        self.readyMarker = readyMarker
        self.settings = settings
        self.folder = folder
        self.logger = logger
    }

    /// `nil` while it is down.
    package var pid: Int32? { state.withLock { $0.process?.pid } }

    /// - Returns: the line that said it is ready.
    @discardableResult
    package func start() async throws -> String {
        let number = state.withLock { state in
            state.starts += 1
            return state.starts
        }
        let process = try await PrivateProgram.startRedeem(
            name,
            program: program,
            command: command,
            settings: settings,
            in: "\(folder)/\(name).\(number)",
            readyMarker: readyMarker,
            logger: logger
        )
        state.withLock { $0.process = process }
        return process.readyLine
    }

    /// Starts a server.
    package func serve() async throws -> ServerAddresses { try ServerAddresses(readyLine: try await start()) }

    /// Kills the process by SIGKILL.
    package func kill() async { await take()?.kill() }

    /// Stops the process by SIGTERM.
    /// - Returns: the exit code; `nil` if a signal ended it, or if it was down.
    @discardableResult
    package func stop() async -> Int32? { await take()?.stop() ?? nil }

    package func suspend() { state.withLock { $0.process?.suspend() } }

    package func resume() { state.withLock { $0.process?.resume() } }

    /// Copies the logs, which have one file for each start.
    package func copyLogs(to directory: TrustedFolder) throws {
        let starts = state.withLock { $0.starts }
        for number in stride(from: 1, through: starts, by: 1) {
            let log = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).\(number)/log"))
            try directory.write(String(decoding: log, as: UTF8.self), to: "\(name).\(number).log")
        }
    }

    private func take() -> PrivateProgram? { state.withLock { $0.process.take() } }
}
