import FoundationEssentials
package import Logging
import Synchronization

/// One `redeem serve` or `redeem sync` that is killed, suspended and started again. The calls are for one task at a time.
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
    ///   - settings: by the names of their variables.
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

    /// `nil`: it is down.
    package var pid: Int32? { state.withLock { $0.process?.pid } }

    /// - Returns: the line by which it said that it is ready.
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

    /// SIGKILL.
    package func kill() async { await take()?.kill() }

    /// SIGTERM.
    /// - Returns: what it exited with; `nil`: a signal ended it, or it was down.
    @discardableResult
    package func stop() async -> Int32? { await take()?.stop() ?? nil }

    package func suspend() { state.withLock { $0.process?.suspend() } }

    package func resume() { state.withLock { $0.process?.resume() } }

    /// Copies what it has logged, a file for each start.
    package func copyLogs(to directory: TrustedFolder) throws {
        let starts = state.withLock { $0.starts }
        for number in stride(from: 1, through: starts, by: 1) {
            let log = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).\(number)/log"))
            try directory.write(String(decoding: log, as: UTF8.self), to: "\(name).\(number).log")
        }
    }

    private func take() -> PrivateProgram? { state.withLock { $0.process.take() } }
}
