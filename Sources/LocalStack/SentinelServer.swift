public import Logging
import Subprocess

/// A private Sentinel on a folder of its own: it watches a private primary and its replicas, and promotes one of these when the
/// primary is down. `redis-server` is the program, in another mode.
///
/// It ends at the latest with this process. The calls that start and stop it are for one task at a time.
public final class SentinelServer: Sendable {
    /// The name that it knows the primary by.
    public static let primaryName = "redeem"

    public let port: Int
    /// `nil` while it is down.
    public var pid: Int32? { run.pid }

    /// Where what it knows is, and its log.
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

    /// Starts a Sentinel on the folder, which is made where it is missing, and returns when it knows the primary and a replica.
    /// - Parameter primary: it has a replica.
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

    /// SIGTERM. Nothing happens when it is down.
    public func stop() async {
        await run.stop()
        folder.unlock()
    }

    /// SIGKILL; returns when it has gone.
    public func kill() async { await run.kill() }

    /// Starts it again with what it has learnt; one that runs is stopped first.
    public func restart() async throws {
        await run.stop()
        try await launch("+monitor master")
    }

    /// SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { run.suspend() }

    /// SIGCONT.
    public func resume() { run.resume() }

    /// Waits for the present run's end, ordered or not.
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
