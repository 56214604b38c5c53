import Glibc
public import Logging
import Subprocess

/// A private PostgreSQL on a folder of its own, with a loopback port, a unix socket and a password (SCRAM).
///
/// It ends at the latest with this process. Only one task at a time may start and stop it.
public final class PostgresServer: Sendable {
    /// The name of the superuser, and of the database that exists from the start.
    public static let name = "redeem"

    public let port: Int
    public let password: String
    /// The folder that has the unix socket.
    public let socketFolder: String
    /// The folder that has the data. It is another one than was asked for if the server's user cannot enter that.
    public var directory: String { folder.path }
    /// The URL of the database `redeem`.
    public var url: String { url(database: PostgresServer.name) }
    /// `nil` while the server is down.
    public var pid: Int32? { run.pid }

    private let folder: ServerFolder
    private let installation: PostgresInstallation
    private let options: PostgresOptions
    private let limits: StackLimits
    private let logger: Logger
    private let run = ServerRun()

    private init(
        folder: ServerFolder,
        installation: PostgresInstallation,
        port: Int,
        password: String,
        options: PostgresOptions,
        limits: StackLimits,
        logger: Logger
    ) throws(LocalStackError) {
        self.folder = folder
        self.installation = installation
        self.port = port
        self.password = password
        self.options = options
        self.limits = limits
        self.logger = logger
        socketFolder = try folder.socketFolder(for: ".s.PGSQL.\(port).lock")
    }

    /// Starts a server on the folder, and returns when it is ready. The folder is made and initialised if it is missing.
    public static func start(
        in directory: String,
        options: PostgresOptions = PostgresOptions(),
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> PostgresServer {
        let account = try ServerAccount.forServers()
        let folder = try ServerFolder(path: ServerFolder.reachable(directory, by: account), account: account)
        let installation = try PostgresInstallation.find(version: folder.read("data/PG_VERSION"))
        let password = try folder.password()
        if try folder.read("data/PG_VERSION") == nil {
            logger.info("making a PostgreSQL database cluster", metadata: ["folder": "\(folder.path)"])
            try await initialise(folder, with: installation, fsync: options.fsync, limits: limits)
        }
        return try await LoopbackPort.attempts(limits.portAttempts, from: folder) { port in
            let server = try PostgresServer(
                folder: folder,
                installation: installation,
                port: port,
                password: password,
                options: options,
                limits: limits,
                logger: logger
            )
            try await server.launch()
            do {
                try await server.createOwnDatabase()
                return server
            } catch {
                await server.stop()
                throw error
            }
        }
    }

    public func url(database: String) -> String {
        "postgresql://\(PostgresServer.name):\(password)@127.0.0.1:\(port)/\(database)"
    }

    /// Makes a database: a copy of the template, if one is given. Nobody may be connected to the template meanwhile.
    public func createDatabase(_ name: String, template: String? = nil) async throws {
        let copy = template.map { " TEMPLATE \(PostgresServer.identifier($0))" } ?? ""
        try await psql("CREATE DATABASE \(PostgresServer.identifier(name))\(copy);")
    }

    /// Ends the connections to the database and removes it.
    public func dropDatabase(_ name: String) async throws {
        try await psql("DROP DATABASE IF EXISTS \(PostgresServer.identifier(name)) WITH (FORCE);")
    }

    /// Writes a dump of the database into the server's folder, as docs/OPERATIONS.md makes one.
    public func dump(_ database: String, as name: String) async throws {
        try await run([installation.dump, "--format", "custom", "--file", "\(folder.path)/\(name)"], on: database)
    }

    /// Replaces all that the database has by such a dump.
    public func restore(_ name: String, into database: String) async throws {
        let options = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
        try await run([installation.restore] + options + ["\(folder.path)/\(name)"], on: database)
    }

    private func run(_ command: [String], on database: String) async throws {
        var command = command
        command.insert(contentsOf: ["-h", "127.0.0.1", "-p", "\(port)", "-U", PostgresServer.name, "-d", database], at: 1)
        try await ServerPrograms.run(command, in: folder, environment: ["PGPASSWORD": password], limits: limits)
    }

    /// Stops the server by SIGINT, the fast shutdown: it aborts transactions and keeps all that is committed. Does nothing if it
    /// is down.
    public func stop() async {
        await end()
        folder.unlock()
    }

    private func end() async {
        if let process = run.take() {
            resume(process)
            await process.stop()
        }
        folder.removeSocketFolder()
    }

    /// Kills the server and its processes by SIGKILL, and returns when they have gone.
    public func kill() async {
        guard let process = run.take() else { return }
        let children = process.children()
        await process.kill()
        // They would end by themselves, but not while they are suspended.
        for child in children { Glibc.kill(child, SIGKILL) }
    }

    /// Starts the server again on the same data, port and password. If it runs, it is stopped first.
    public func restart() async throws {
        await end()
        try await launch()
    }

    /// Suspends the server and its processes by SIGSTOP: connections stay open, and nothing answers.
    public func suspend() {
        run.withProcess { process in
            process.send(SIGSTOP)
            for child in process.children() { Glibc.kill(child, SIGSTOP) }
        }
    }

    /// Lets the server and its processes go on, by SIGCONT.
    public func resume() { run.withProcess(resume) }

    /// Waits until the server has ended, ordered or not.
    public func waitUntilExit() async -> LocalStackError { await run.waitUntilExit(of: "postgres") }

    private func resume(_ process: ServerProcess) {
        for child in process.children() { Glibc.kill(child, SIGCONT) }
        process.send(SIGCONT)
    }

    private func launch() async throws {
        try folder.lock()
        // A stop removes the folder, so it may have to be made again.
        _ = try folder.socketFolder(for: ".s.PGSQL.\(port).lock")
        try folder.write(options.file(port: port, socketFolder: socketFolder), to: "data/postgresql.conf")
        let launch = ServerProcess.Launch(
            name: "postgres",
            command: [installation.postgres, "-D", "\(folder.path)/data"],
            folder: folder,
            readyMarker: "database system is ready to accept connections",
            stopSignal: .interrupt,
            stopSignalName: "INT",
            limits: limits
        )
        try await run.start(launch, port: port, logger: logger)
    }

    /// Runs initdb in a folder of another name, so that an interrupted one leaves nothing that looks like data.
    private static func initialise(
        _ folder: ServerFolder,
        with installation: PostgresInstallation,
        fsync: Bool,
        limits: StackLimits
    ) async throws {
        let command =
            [
                installation.initdb, "-D", "data.new", "--username", name, "--pwfile", "password", "--auth", "scram-sha-256",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions",
            ] + (fsync ? [] : ["--no-sync"])
        try await ServerPrograms.run(["rm", "-rf", "data.new"], in: folder, limits: limits)
        try await ServerPrograms.run(command, in: folder, limits: limits)
        try await ServerPrograms.run(["mv", "-T", "data.new", "data"], in: folder, limits: limits)
    }

    private func createOwnDatabase() async throws {
        let name = PostgresServer.name
        try await psql(
            "SELECT 'CREATE DATABASE \(name)' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '\(name)') \\gexec\n"
        )
    }

    /// Runs SQL on the database `postgres`, and stops at the first error.
    private func psql(_ sql: String) async throws {
        try await ServerPrograms.run(
            [installation.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)"]
                + ["-U", PostgresServer.name, "-d", "postgres", "-f", "-"],
            in: folder,
            input: sql,
            environment: ["PGPASSWORD": password],
            limits: limits
        )
    }

    private static func identifier(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
