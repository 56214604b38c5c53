import Foundation
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A running `redeem`, the very program that users run, built beside the tests.
final class RedeemProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var pid: pid_t?
        var lines: [String] = []
        var status: Int32?
        var waiters: [(matches: @Sendable (String) -> Bool, continuation: CheckedContinuation<String, any Error>)] = []
    }

    /// A process that runs for so long is waited for in vain. It is killed, and the test that waits for its end or for a line fails.
    private static let longestLife: Duration = .seconds(300)

    private let state = Mutex(State())
    private let run = Mutex<Task<Int32, Never>?>(nil)

    static var program: String { path("redeem") }

    /// The path of a program that was built beside the tests.
    static func path(_ name: String) -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// All whole lines so far, of both streams.
    var output: String { state.withLock { $0.lines.map { $0 + "\n" }.joined() } }

    /// `nil` before it runs, and when it has ended.
    var pid: Int32? { state.withLock { $0.pid } }

    /// - Parameter program: another one than `redeem`.
    init(_ arguments: [String], environment: [String: String] = [:], input: String = "", program: String = RedeemProcess.program)
    {
        let variables = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), Optional($1)) })
        run.withLock { run in
            run = Task {
                let status: Int32
                let watchdog = Task {
                    try await Task.sleep(for: RedeemProcess.longestLife)
                    self.received("killed, since it ran for \(RedeemProcess.longestLife)")
                    self.signal(SIGKILL)
                }
                defer { watchdog.cancel() }
                do {
                    let result = try await Subprocess.run(
                        .path(FilePath(program)),
                        arguments: Arguments(arguments),
                        environment: .inherit.updating(variables),
                        input: .string(input),
                        output: .sequence,
                        error: .combinedWithOutput
                    ) { execution in
                        self.started(execution.processIdentifier.value)
                        for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
                            self.received(line.hasSuffix("\n") ? String(line.dropLast()) : line)
                        }
                    }
                    switch result.terminationStatus {
                    case .exited(let code): status = code
                    case .signaled(let signal): status = 128 + signal
                    }
                } catch {
                    self.received("cannot run \(program): \(error)")
                    status = 127
                }
                self.ended(status)
                return status
            }
        }
    }

    /// The first whole line that begins with the prefix, as soon as it is there.
    func line(startingWith prefix: String) async throws -> String {
        try await line { $0.hasPrefix(prefix) }
    }

    /// The first whole line that matches, as soon as it is there.
    func line(where matches: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let found = state.withLock { state -> Result<String, any Error>? in
                if let line = state.lines.first(where: matches) { return .success(line) }
                if let status = state.status { return .failure(Failure.ended(status, state.lines)) }
                state.waiters.append((matches, continuation))
                return nil
            }
            if let found { continuation.resume(with: found) }
        }
    }

    /// Does nothing to a process that has ended: its pid may be another's by now.
    func signal(_ signal: Int32) {
        state.withLock { state in
            if let pid = state.pid { kill(pid, signal) }
        }
    }

    /// Sends the signal and returns the exit status.
    func stop(_ signal: Int32 = SIGTERM) async -> Int32 {
        self.signal(signal)
        return await exitStatus()
    }

    /// The status, once the process has ended and all its output was read; 128 + the signal that killed it.
    func exitStatus() async -> Int32 {
        await run.withLock(\.self)?.value ?? 127
    }

    private func started(_ pid: pid_t) { state.withLock { $0.pid = pid } }

    private func received(_ line: String) {
        let ready = state.withLock { state in
            state.lines.append(line)
            let ready = state.waiters.filter { $0.matches(line) }
            state.waiters.removeAll { $0.matches(line) }
            return ready.map(\.continuation)
        }
        for continuation in ready { continuation.resume(returning: line) }
    }

    private func ended(_ status: Int32) {
        let (waiters, lines) = state.withLock { state in
            defer { state.waiters = [] }
            state.pid = nil
            state.status = status
            return (state.waiters.map(\.continuation), state.lines)
        }
        for continuation in waiters { continuation.resume(throwing: Failure.ended(status, lines)) }
    }
}

extension RedeemProcess.Failure {
    fileprivate static func ended(_ status: Int32, _ lines: [String]) -> Self {
        Self(description: "ended with \(status) before the line that was waited for:\n\(lines.joined(separator: "\n"))")
    }
}

/// Runs `redeem` to its end.
func redeem(
    _ arguments: String...,
    environment: [String: String] = [:],
    input: String = ""
) async -> (status: Int32, output: String) {
    await redeem(arguments, environment: environment, input: input)
}

func redeem(
    _ arguments: [String],
    environment: [String: String],
    input: String = ""
) async -> (status: Int32, output: String) {
    let process = RedeemProcess(arguments, environment: environment, input: input)
    let status = await process.exitStatus()
    return (status, process.output)
}

/// Runs `redeem-torture` to its end.
func torture(_ arguments: String...) async -> (status: Int32, output: String) {
    let process = RedeemProcess(arguments, program: RedeemProcess.path("redeem-torture"))
    let status = await process.exitStatus()
    return (status, process.output)
}

/// Runs a line of shell to its end and returns what it printed.
func shell(_ script: String) async -> String {
    let process = RedeemProcess(["-c", script], program: "/bin/bash")
    _ = await process.exitStatus()
    return process.output
}
