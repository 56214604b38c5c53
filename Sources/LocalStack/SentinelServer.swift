public import Logging
import Subprocess

/// A private Sentinel on a folder of its own. It watches a private primary and its replicas, and promotes a replica when the
/// primary is down. The program is `redis-server` in another mode.
///
/// It ends at the latest with this process. Only one task at a time may start and stop it.
public final class SentinelServer: Sendable {
    /// The name that it has for the primary.
    public static let primaryName = "redeem"

    public let port: Int
    /// `nil` while it is down.
    public var pid: Int32? { run.pid }

    /// The folder that has its state and its log.
    public var directory: String { folder.path }

    private let folder: ServerFolder
    private let program: String
    private let limits: StackLimits
    private let logger: Logger
    private let run = ServerRun()

    private init(folder: ServerFolder, program: String, port: Int, limits: StackLimits, logger: Logger) {
        self.folder = folder
        self.program = program
        self.port = port
        self.limits = limits
        self.logger = logger
    }

    /// Starts a Sentinel on the folder, and returns when it knows the primary and a replica. The folder is made if it is missing.
    /// - Parameter primary: a Redis that has a replica.
    public static func start(
        in directory: String,
        watching primary: RedisServer,
        options: SentinelOptions = SentinelOptions(),
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> SentinelServer {
        let program = try RedisServer.program()
        let account = try ServerAccount.forServers()
        let folder = try ServerFolder(path: ServerFolder.reachable(directory, by: account), account: account)
        return try await LoopbackPort.attempts(limits.portAttempts, from: folder) { port in
            let server = SentinelServer(folder: folder, program: program, port: port, limits: limits, logger: logger)
            let text = options.file(
                folder: folder.path,
                port: port,
                primaryPort: primary.port,
                user: primary.sentinel,
                password: primary.password
            )
            try folder.write(text, to: "sentinel.conf")
            try await server.launch("+slave slave")
            return server
        }
    }

    /// Stops it by SIGTERM. Does nothing if it is down.
    public func stop() async {
        await run.stop()
        folder.unlock()
    }

    /// Kills it by SIGKILL, and returns when it has gone.
    public func kill() async { await run.kill() }

    /// Starts it again with all that it has learnt. If it runs, it is stopped first.
    public func restart() async throws {
        await run.stop()
        try await launch("+monitor master")
    }

    /// Suspends it by SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { run.suspend() }

    /// Lets it go on, by SIGCONT.
    public func resume() { run.resume() }

    /// Waits until it has ended, ordered or not.
    public func waitUntilExit() async -> LocalStackError { await run.waitUntilExit(of: "the Sentinel") }

    private func launch(_ readyMarker: String) async throws {
        let launch = ServerProcess.Launch(
            name: "sentinel",
            command: [program, "\(folder.path)/sentinel.conf", "--sentinel"],
            folder: folder,
            readyMarker: readyMarker,
            stopSignal: .terminate,
            stopSignalName: "TERM",
            limits: limits
        )
        try await run.start(launch, port: port, logger: logger)
    }
}
