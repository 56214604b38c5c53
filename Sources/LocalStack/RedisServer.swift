public import Logging
import Subprocess
import Synchronization

/// A private redis-server on a folder of its own: loopback port, unix socket, password.
///
/// It ends at the latest with this process. The calls that start and stop it are for one task at a time.
public final class RedisServer: Sendable {
    public let port: Int
    public let password: String
    /// The path of the unix socket.
    public let socket: String
    /// Where the data is; not the folder asked for where the server's user cannot enter that one.
    public var directory: String { folder.path }
    /// Who may do everything.
    public var administrator: String { options.withLock { $0.administrator } }
    /// As redis-cli's `-u` takes it.
    public var url: String { "redis://\(administrator):\(password)@127.0.0.1:\(port)" }
    /// The same server through its unix socket.
    public var socketURL: String { "unix://\(socket)?user=\(administrator)&password=\(password)" }
    var sentinel: String? { options.withLock { $0.sentinel } }
    /// `nil` while the server is down.
    public var pid: Int32? { run.pid }

    let folder: ServerFolder
    private let program: String
    private let options: Mutex<RedisOptions>
    let limits: StackLimits
    private let logger: Logger
    private let run = ServerRun()

    private init(
        folder: ServerFolder,
        program: String,
        port: Int,
        password: String,
        options: RedisOptions,
        limits: StackLimits,
        logger: Logger
    ) throws(LocalStackError) {
        self.folder = folder
        self.program = program
        self.port = port
        self.password = password
        self.limits = limits
        self.logger = logger
        self.options = Mutex(options)
        socket = try folder.socketFolder(for: "redis.sock") + "/redis.sock"
    }

    /// Starts a server on the folder, which is made where it is missing, and returns when it is ready.
    /// - Parameter password: `nil`: one that is made when the folder is.
    public static func start(
        in directory: String,
        options: RedisOptions = RedisOptions(),
        password: String? = nil,
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> RedisServer {
        let program = try program()
        let account = try ServerAccount.forServers()
        let folder = try ServerFolder(path: ServerFolder.reachable(directory, by: account), account: account)
        if let password { try folder.write(password + "\n", to: "password") }
        let own = try folder.password()
        return try await LoopbackPort.attempts(limits.portAttempts, from: folder) { port in
            let server = try RedisServer(
                folder: folder,
                program: program,
                port: port,
                password: own,
                options: options,
                limits: limits,
                logger: logger
            )
            try server.writeConfiguration()
            // A replica has told that it is ready when it has all of its primary's data.
            try await server.launch(options.replicaOf == nil ? RedisServer.ready : "REPLICA sync: Finished with success")
            return server
        }
    }

    /// Also a Sentinel's, which is another mode of it.
    static func program() throws(LocalStackError) -> String {
        guard let program = ServerPrograms.find("redis-server") ?? ServerPrograms.find("valkey-server") else {
            throw ServerPrograms.missing("redis-server", package: "redis-server")
        }
        return program
    }

    /// SIGTERM: Redis writes what is left to write. Nothing happens when it is down.
    public func stop() async {
        await run.stop()
        folder.removeSocketFolder()
        folder.unlock()
    }

    /// SIGKILL to the server itself; returns when it has gone.
    public func kill() async { await run.kill() }

    /// Starts the server again on the same data, port and password; one that runs is stopped first.
    /// - Parameter options: `nil`: with the configuration that it has. A Sentinel may have changed it (`CONFIG REWRITE`).
    public func restart(options: RedisOptions? = nil) async throws {
        await run.stop()
        try folder.lock()
        if let options {
            self.options.withLock { $0 = options }
            try writeConfiguration()
        }
        try await launch(RedisServer.ready)
    }

    /// SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { run.suspend() }

    /// SIGCONT.
    public func resume() { run.resume() }

    /// Waits for the present run's end, ordered or not.
    public func waitUntilExit() async -> LocalStackError { await run.waitUntilExit(of: "redis-server") }

    /// Redis 7.0 says "Ready to accept connections", 7.2 one such line for each way in.
    private static let ready = "eady to accept connections"

    private func writeConfiguration() throws {
        let text = options.withLock { $0 }.file(folder: folder.path, port: port, socket: socket, password: password)
        try folder.write(text, to: "redis.conf")
    }

    private func launch(_ readyMarker: String) async throws {
        let options = options.withLock { $0 }
        // Not of the programs before it, which change the user and take locks.
        let variables = options.environment.isEmpty ? [] : ["env"] + options.environment.map { "\($0.key)=\($0.value)" }
        let launch = ServerProcess.Launch(
            name: "redis-server",
            command: variables + options.launcher + [program, "\(folder.path)/redis.conf"],
            folder: folder,
            readyMarker: readyMarker,
            stopSignal: .terminate,
            stopSignalName: "TERM",
            limits: limits
        )
        try await run.start(launch, port: port, logger: logger)
    }
}
