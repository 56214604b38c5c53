import Glibc
import LocalStack
import Subprocess
import Testing

/// Runs a program and returns its output, both streams, without the newline at the end.
func output(of program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> String {
    let changes = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(rawValue: $0.key)!, Optional($0.value)) })
    let result = try await Subprocess.run(
        .name(program),
        arguments: Arguments(arguments),
        environment: .inherit.updating(changes),
        output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 20)
    )
    let text = result.standardOutput + result.standardError
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
}

extension RedisServer {
    func cli(_ arguments: String...) async throws -> String {
        try await output(of: "redis-cli", ["--no-auth-warning", "-u", url] + arguments)
    }
}

extension PostgresServer {
    func psql(_ sql: String, database: String = PostgresServer.name) async throws -> String {
        try await output(of: "psql", ["-X", "-A", "-t", "-d", url(database: database), "-c", sql])
    }
}

/// Writes a line to standard output at once.
func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

/// Whether there is such a process; a zombie is none.
func isRunning(_ pid: pid_t) async throws -> Bool {
    try await output(of: "sh", ["-c", "grep '^State:' /proc/\(pid)/status 2>/dev/null | grep -v Z || :"]) != ""
}

/// Waits until the process has gone: `tail` watches it.
func waitForEnd(of pid: pid_t) async throws {
    _ = try await output(of: "timeout", ["60", "tail", "-f", "/dev/null", "--pid=\(pid)", "-s", "0.05"])
    #expect(try await !isRunning(pid))
}
