import Glibc
import Logging
import Synchronization

/// The present run of a private server, if there is one. Only one task at a time may start and end it.
final class ServerRun: Sendable {
    private let process = Mutex<ServerProcess?>(nil)

    /// `nil` while the server is down.
    var pid: Int32? { process.withLock { $0?.pid } }

    /// Starts the server, and writes its port into its folder once it is ready.
    func start(_ launch: ServerProcess.Launch, port: Int, logger: Logger) async throws {
        try launch.folder.lock()
        let started = try await ServerProcess.launch(launch, logger: logger)
        process.withLock { $0 = started }
        try launch.folder.write("\(port)\n", to: "port")
    }

    /// Stops the server in order by its signal, and returns when it has gone. Does nothing if it is down.
    func stop() async { await take()?.stop() }

    /// Kills the server by SIGKILL, and returns when it has gone.
    func kill() async { await take()?.kill() }

    /// Hands the process to the caller, who ends it. From now on the server counts as down.
    func take() -> ServerProcess? { process.withLock { $0.take() } }

    func withProcess(_ body: (ServerProcess) -> Void) { process.withLock { $0.map(body) } }

    /// Suspends the server by SIGSTOP: connections stay open, and nothing answers.
    func suspend() { withProcess { $0.send(SIGSTOP) } }

    /// Lets the server go on, by SIGCONT.
    func resume() { withProcess { $0.send(SIGCONT) } }

    /// Waits until the run has ended, ordered or not.
    /// - Parameter name: the server's name in messages.
    func waitUntilExit(of name: String) async -> LocalStackError {
        guard let process = process.withLock({ $0 }) else { return LocalStackError(.exited, "\(name) is down") }
        return await process.waitUntilExit()
    }
}
