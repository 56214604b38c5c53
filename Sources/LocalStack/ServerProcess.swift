import FoundationEssentials
import Glibc
import Logging
import Subprocess
import Synchronization

/// One run of a server, from its start to its end. It ends at the latest when this process does.
final class ServerProcess: Sendable {
    struct Launch: Sendable {
        /// The name in messages.
        let name: String
        let command: [String]
        let folder: ServerFolder
        /// A text in the line by which the server says that it is ready.
        let readyMarker: String
        let stopSignal: Signal
        let stopSignalName: String
        let limits: StackLimits
        var environment = Environment.server

        var teardown: [TeardownStep] { [.send(signal: stopSignal, allowedDurationToNextStep: limits.stopTimeout)] }
    }

    let pid: pid_t
    /// The line by which the server said that it is ready.
    let readyLine: String
    private let life: Life
    private let run: Task<LocalStackError, Never>

    /// The state that both sides of a run share: the task that reads the server's output, and the callers that give orders.
    private final class Life: Sendable {
        /// `nil` before the server was forked, and from its end on. The process is reaped only later, so while the id is here no
        /// other process has it.
        let pid = Mutex<pid_t?>(nil)
        let timedOut = Atomic(false)
        let exitStatus = Mutex<Int32?>(nil)
        let (stops, stop) = AsyncStream<Void>.makeStream()

        func send(_ signal: Int32) { pid.withLock { if let pid = $0 { Glibc.kill(pid, signal) } } }
    }

    private struct Readiness: Sendable {
        let pid: pid_t
        let line: String
    }

    private init(_ readiness: Readiness, life: Life, run: Task<LocalStackError, Never>) {
        pid = readiness.pid
        readyLine = readiness.line
        self.life = life
        self.run = run
    }

    /// Starts a server, and returns when it is ready. If it ends before that, is not ready in time, or the calling task is
    /// cancelled, nothing of it is left.
    static func launch(_ launch: Launch, logger: Logger) async throws -> ServerProcess {
        let life = Life()
        let (ready, readyContinuation) = AsyncStream<Readiness>.makeStream()
        let run = Task { () -> LocalStackError in
            // If this stream ends without an element, the server has ended.
            defer { readyContinuation.finish() }
            return await ServerProcess.run(launch, life: life, ready: readyContinuation, logger: logger)
        }
        let timer = Task {
            try await Task.sleep(for: launch.limits.startTimeout)
            life.timedOut.store(true, ordering: .relaxed)
            life.send(SIGKILL)
        }
        defer { timer.cancel() }
        for await readiness in ready {
            logger.debug("\(launch.name) is ready", metadata: ["pid": "\(readiness.pid)"])
            return ServerProcess(readiness, life: life, run: run)
        }
        life.stop.yield()
        let end = await run.value
        try Task.checkCancellation()
        if life.timedOut.load(ordering: .relaxed) {
            let message = "\(launch.name) was not ready within \(launch.limits.startTimeout)"
            throw LocalStackError(.startTimedOut, message, output: end.output)
        }
        throw end.code == .exited ? LocalStackError(.startFailed, end.message, output: end.output) : end
    }

    /// Orders the server to stop, kills it if that takes too long, and returns when it has gone.
    func stop() async {
        life.stop.yield()
        _ = await run.value
    }

    /// Kills the server by SIGKILL, and returns when it has gone.
    func kill() async {
        life.send(SIGKILL)
        _ = await run.value
    }

    /// The exit code; `nil` while it runs, or if a signal ended it.
    var exitStatus: Int32? { life.exitStatus.withLock { $0 } }

    /// Sends a signal. Does nothing if the server has gone.
    func send(_ signal: Int32) { life.send(signal) }

    /// Waits until the server has ended, ordered or not, and says how.
    func waitUntilExit() async -> LocalStackError { await run.value }

    /// The processes that the server has forked and not yet reaped.
    func children() -> [pid_t] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    private static func run(
        _ launch: Launch,
        life: Life,
        ready: AsyncStream<Readiness>.Continuation,
        logger: Logger
    ) async -> LocalStackError {
        let output = ServerOutput(in: launch.folder)
        do {
            let result = try await Subprocess.run(
                configuration(of: launch),
                input: .inputWriter,
                output: .sequence,
                error: .combinedWithOutput
            ) { execution in
                let pid = execution.processIdentifier.value
                life.pid.withLock { $0 = pid }
                defer { life.pid.withLock { $0 = nil } }
                await withTaskGroup { group in
                    group.addTask {
                        for await _ in life.stops {
                            // A suspended process takes no other signal.
                            try? execution.send(signal: .resume)
                            await execution.teardown(using: launch.teardown)
                        }
                    }
                    do {
                        // The loop ends when the server has ended.
                        for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
                            output.append(line)
                            if line.contains(launch.readyMarker) { ready.yield(Readiness(pid: pid, line: line)) }
                        }
                    } catch {
                        logger.warning("lost the output of \(launch.name)", metadata: ["error": "\(error)"])
                        await execution.teardown(using: launch.teardown)
                    }
                    group.cancelAll()
                }
            }
            if case .exited(let status) = result.terminationStatus { life.exitStatus.withLock { $0 = status } }
            if case .exited(ServerLauncher.lockTimedOut) = result.terminationStatus {
                return LocalStackError(.folderInUse, "an earlier \(launch.name) on \(launch.folder.path) does not end")
            }
            return LocalStackError(
                .exited,
                "\(launch.name) on \(launch.folder.path) ended: \(result.terminationStatus)",
                output: output.lastLines
            )
        } catch {
            return LocalStackError(.startFailed, "cannot start \(launch.name): \(error)", output: output.lastLines)
        }
    }

    private static func configuration(of launch: Launch) -> Subprocess.Configuration {
        let seconds = String(launch.limits.stopTimeout.components.seconds)
        var options = PlatformOptions()
        // Ctrl-C at a terminal goes to the group of its foreground processes. The server is in a group of its own, so only the
        // parent gets it.
        options.createSession = true
        options.teardownSequence = launch.teardown
        // This is a little longer than the earlier server may take, so that its own limit decides.
        let wait = String(launch.limits.stopTimeout.components.seconds + 2)
        return Configuration(
            launch.folder.commandAsOwner(
                ["sh", "-c", ServerLauncher.script, "sh", launch.folder.path, wait, launch.stopSignalName, seconds]
                    + launch.command
            ),
            environment: launch.environment,
            platformOptions: options
        )
    }
}

extension Configuration {
    /// A program, found in PATH, and its arguments.
    init(_ command: [String], environment: Environment, platformOptions: PlatformOptions) {
        self.init(
            executable: .name(command[0]),
            arguments: Arguments(Array(command.dropFirst())),
            environment: environment,
            platformOptions: platformOptions
        )
    }
}

extension Environment {
    /// Nothing of the caller's environment, such as its locale or PG* variables, may change how a server works.
    static var server: Environment { .custom(["PATH": ServerPrograms.searchPath, "LC_ALL": "C.UTF-8", "TZ": "UTC"]) }
}
