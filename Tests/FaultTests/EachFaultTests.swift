import Foundation
import LocalStack
import Subprocess
import SystemPackage
import Testing
import TestSupport

@testable import Torture

/// Each fault once, in real processes under load, by the program that is run.
@Suite(.serialized) struct EachFaultTests {
    private static let run = Task { () throws -> (status: TerminationStatus, report: TortureReport, log: String) in
        try await withTemporaryFolder { folder in
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: ["--once", "--seed", "1", "--json", "\(folder)/report.json"],
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20)
            )
            let file = "\(folder)/report.json"
            guard let data = FileManager.default.contents(atPath: file) else {
                throw TestFailure("no report: \(result.terminationStatus) \(result.standardError)")
            }
            let report = try JSONDecoder().decode(TortureReport.self, from: data)
            return (result.terminationStatus, report, result.standardOutput + result.standardError)
        }
    }

    @Test func everyPromiseIsKept() async throws {
        let (status, report, log) = try await EachFaultTests.run.value
        #expect(status == .exited(0), "\(log)")
        #expect(report.violations.isEmpty)
        #expect(report.rows > 100)
        #expect(report.requests > 1_000)
    }

    @Test func aKillOfTheCommandLeavesNoProcessBehind() async throws {
        let program = EachFaultTests.program
        let pids = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: ["--faults", "server-stop", "--users", "20"],
            input: .none,
            output: .discarded,
            error: .sequence
        ) { execution in
            for try await line in execution.standardError.strings() where line.contains("server-stop") { break }
            let pids = EachFaultTests.descendants(of: execution.processIdentifier.value)
            try execution.send(signal: .kill)
            return pids
        }.closureResult
        #expect(pids.count >= 6, "two servers, two workers, Redis and Postgres")
        try await until("all are gone", within: .seconds(20)) {
            pids.allSatisfy { [nil, "Z"].contains(ProcessStat.state(of: $0)) }
        }
    }

    @Test(arguments: Fault.allCases)
    func takesPlaceAndIsOverSoon(_ fault: Fault) async throws {
        let record = try #require(try await EachFaultTests.run.value.report.records.first { $0.fault == fault })
        #expect(record.proof != nil)
        #expect(record.complaint == nil)
        #expect(try #require(record.secondsToOpen) < 20)
    }

    private static var program: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("redeem-torture").path
    }

    /// Children and their children, as Linux lists them.
    private static func descendants(of pid: Int32) -> [Int32] {
        // A child is listed with the thread that forked it.
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        let all = threads.reduce(into: Set<Int32>()) { children, thread in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/children", encoding: .utf8)) ?? ""
            children.formUnion(text.split(separator: " ").compactMap { Int32($0) })
        }
        return all.flatMap { [$0] + descendants(of: $0) }
    }
}
