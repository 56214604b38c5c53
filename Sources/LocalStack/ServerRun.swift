import Glibc
import Logging
import Synchronization

/// The present run of a private server, where it has one. The calls that start and end it are for one task at a time.
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

    /// The signal by which it stops in order; returns when it has gone. Nothing happens when it is down.
    func stop() async { await take()?.stop() }

    /// SIGKILL; returns when it has gone.
    func kill() async { await take()?.kill() }

    /// Taken by the caller that ends it: from now on it counts as down.
    func take() -> ServerProcess? { process.withLock { $0.take() } }

    func withProcess(_ body: (ServerProcess) -> Void) { process.withLock { $0.map(body) } }

    /// SIGSTOP: connections stay open, and nothing answers.
    func suspend() { withProcess { $0.send(SIGSTOP) } }

    /// SIGCONT.
    func resume() { withProcess { $0.send(SIGCONT) } }

    /// Waits for the run's end, ordered or not.
    /// - Parameter name: of the server, for messages.
    func waitUntilExit(of name: String) async -> LocalStackError {
        guard let process = process.withLock({ $0 }) else { return LocalStackError(.exited, "\(name) is down") }
        return await process.waitUntilExit()
    }
}
