internal import ArgumentParser
internal import Configuration
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check settings, Redis, Postgres and the shard, and say what to mend. Exit code 1 when something is wrong.",
        discussion: """
            It examines one process, with the settings and the rights of that process: `serve`, `sync`, or `admin` for operators' \
            commands. Whatever it calls wrong would keep the process from starting or from its work. Without --for it is `serve` \
            if REDEEM_TOKEN_KEY or REDEEM_CODE_KEY is set, and else `sync`.
            """
    )

    /// The process whose settings and rights are examined.
    enum Process: String, CaseIterable, ExpressibleByArgument {
        case serve, sync, admin
    }

    @Option(
        name: .customLong("for"),
        help: "The process to examine: \(Process.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var process: Process?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Flag(help: RightsListing.help)
    var listing: RightsListing?

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        if let listing { return print(listing.text, terminator: "") }
        try await withExitCodes {
            let settings = try await connection.settings()
            let keys = ["token.key", "code.key"]
            let process = process ?? (keys.contains { settings.reader.text($0) != nil } ? .serve : .sync)
            var findings = Findings()
            findings.add("process", true, process.rawValue, "")
            let examination = Examination(process: process, settings: settings)
            examination.settings(&findings)
            await examination.postgres(&findings)
            await examination.redis(&findings)
            if json { try Output.json(findings.all) } else { findings.print() }
            guard findings.all.allSatisfy(\.good) else { throw ExitCode.failure }
        }
    }
}

/// An examination on behalf of one process.
struct Examination {
    let process: DoctorCommand.Process
    let settings: Settings
}
