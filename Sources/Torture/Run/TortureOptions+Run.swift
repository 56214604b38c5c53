internal import Foundation
internal import LocalStack
internal import Logging
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Terminal

extension TortureOptions {
    /// Carries out a run, and prints its findings.
    /// - Returns: whether every promise was kept.
    package func run() async throws -> Bool {
        let settings = try TortureSettings(self)
        let logger = Logger.toStandardError("redeem.torture", level: .critical)
        let report = try await run(settings, program: try TortureOptions.program(), logger: logger)
        if json != "-" { print(report.text) }
        if let json { try write(report, to: json) }
        return report.holds
    }

    /// The kinds of fault, one on each line.
    package static var faultLines: String {
        Fault.allCases.map { "  " + $0.rawValue.padded(to: 28) + $0.text }.joined(separator: "\n")
    }

    /// The path of `redeem`.
    private static func program() throws -> String {
        let folder = URL(fileURLWithPath: try PrivateProgram.ownPath()).deletingLastPathComponent()
        let path = folder.appendingPathComponent("redeem").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw UsageError(
                "there is no \(path), which is what would be broken",
                remedy: "put the two programs into one folder, as `make torture` does"
            )
        }
        return path
    }

    private func run(_ settings: TortureSettings, program: String, logger: Logger) async throws -> TortureReport {
        do {
            return try await TortureStack.with(settings, program: program, logger: logger) { stack in
                try await TortureRun(settings: settings, stack: stack, logger: logger).perform()
            }
        } catch let error as LocalStackError {
            throw Unreachable(error.description, remedy: "`make setup` installs what is missing; --logs keeps what servers said")
        } catch let error as PostgresError where error.code == .connectionFailed || error.code == .connectionLost {
            throw Unreachable("Postgres: \(error)", remedy: "--logs keeps what servers said")
        } catch let error as RedisError {
            throw Unreachable("Redis: \(error)", remedy: "--logs keeps what servers said")
        }
    }

    private func write(_ report: TortureReport, to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(report)
        guard file != "-" else { return print(String(decoding: data, as: UTF8.self)) }
        try OutputFile.write(data, to: file, "--json")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
