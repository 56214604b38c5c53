public import Logging
import Subprocess
import Synchronization

/// A private redis-server on a folder of its own, with a loopback port, a unix socket and a password.
///
/// It ends at the latest with this process. Only one task at a time may start and stop it.
public final class RedisServer: Sendable {
    public let port: Int
    public let password: String
    /// The path of the unix socket.
    public let socket: String
    /// The folder that has the data. It is another one than was asked for if the server's user cannot enter that.
    public var directory: String { folder.path }
    /// The user who may do everything.
    public var administrator: String { options.withLock { $0.administrator } }
    /// The URL for redis-cli's `-u`.
    public var url: String { "redis://\(administrator):\(password)@127.0.0.1:\(port)" }
    /// The URL of the same server by its unix socket.
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

    /// Starts a server on the folder, and returns when it is ready. The folder is made if it is missing.
    /// - Parameter password: `nil`: the folder keeps a password of its own.
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
            // A replica is ready when it has all of its primary's data, and logs another line then.
            try await server.launch(options.replicaOf == nil ? RedisServer.ready : "REPLICA sync: Finished with success")
            return server
        }
    }

    /// The program of a Redis, and of a Sentinel, which is another mode of it.
    static func program() throws(LocalStackError) -> String {
        guard let program = ServerPrograms.find("redis-server") ?? ServerPrograms.find("valkey-server") else {
            throw ServerPrograms.missing("redis-server", package: "redis-server")
        }
        return program
    }

    /// Stops the server by SIGTERM: Redis writes all that it has yet to write. Does nothing if it is down.
    public func stop() async {
        await run.stop()
        folder.removeSocketFolder()
        folder.unlock()
    }

    /// Kills the server by SIGKILL, and returns when it has gone.
    public func kill() async { await run.kill() }

    /// Starts the server again on the same data, port and password. If it runs, it is stopped first.
    /// - Parameter options: `nil` keeps the configuration file, which a Sentinel may have changed (`CONFIG REWRITE`).
    public func restart(options: RedisOptions? = nil) async throws {
        await run.stop()
        try folder.lock()
        if let options {
            self.options.withLock { $0 = options }
            try writeConfiguration()
        }
        try await launch(RedisServer.ready)
    }

    /// Suspends the server by SIGSTOP: connections stay open, and nothing answers.
    public func suspend() { run.suspend() }

    /// Lets the server go on, by SIGCONT.
    public func resume() { run.resume() }

    /// Waits until the server has ended, ordered or not.
    public func waitUntilExit() async -> LocalStackError { await run.waitUntilExit(of: "redis-server") }

    /// Redis 7.0 logs "Ready to accept connections", and 7.2 a line that begins like it for each kind of socket.
    private static let ready = "eady to accept connections"

    private func writeConfiguration() throws {
        let text = options.withLock { $0 }.file(folder: folder.path, port: port, socket: socket, password: password)
        try folder.write(text, to: "redis.conf")
    }

    private func launch(_ readyMarker: String) async throws {
        let options = options.withLock { $0 }
        // Only the server gets these variables, and not the programs before it, which change the user and take locks.
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
